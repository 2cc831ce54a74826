struct Store;

impl Store {
    #[lifecycle::component(name = 3)]
    fn close(&self) {}
}

fn main() {}
