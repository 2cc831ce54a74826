struct Store;

impl Store {
    #[lifecycle::component(phase = 200)]
    fn close(&self) {}
}

fn main() {}
