struct Store;

impl Store {
    #[lifecycle::component(order: 3)]
    fn close(&self) {}
}

fn main() {}
