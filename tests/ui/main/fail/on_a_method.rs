struct Service;

impl Service {
    #[lifecycle::main]
    fn main(&self) {}
}

fn main() {}
