trait Tick {
    #[lifecycle::heartbeat]
    fn tick(&self) {}
}

impl Tick for u8 {}

fn main() {
    1_u8.tick();
}
