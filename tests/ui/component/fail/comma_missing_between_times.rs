struct Store;

impl Store {
    #[lifecycle::component(timeout = "3s" name = "store")]
    fn close(&self) {}
}

fn main() {}
