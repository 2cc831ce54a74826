struct Store;

impl Store {
    #[lifecycle::component(timeout = "5")]
    fn close(&self) {}
}

fn main() {}
