struct Store;

impl Store {
    #[lifecycle::component(order = 3 phase = "stop")]
    fn close(&self) {}
}

fn main() {}
