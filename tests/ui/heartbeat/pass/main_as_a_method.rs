struct Service;

impl Service {
    #[lifecycle::heartbeat]
    fn main(&self) {}
}

fn main() {
    Service.main();
}
