struct Store;

impl Store {
    #[lifecycle::component(crates = ::lifecycle)]
    fn close(&self) {}
}

fn main() {}
