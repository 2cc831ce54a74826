struct Store;

impl Store {
    #[lifecycle::component(timeout = "-5s")]
    fn close(&self) {}
}

fn main() {}
