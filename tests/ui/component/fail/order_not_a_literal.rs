struct Store;

impl Store {
    #[lifecycle::component(order = FIRST)]
    fn close(&self) {}
}

fn main() {}
