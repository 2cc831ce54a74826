struct Store;

impl Store {
    #[lifecycle::component(order = )]
    fn close(&self) {}
}

fn main() {}
