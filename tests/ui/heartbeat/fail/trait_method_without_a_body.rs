trait Tick {
    #[lifecycle::heartbeat]
    fn tick(&self);
}

fn main() {}
