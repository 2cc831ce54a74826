struct Store;

impl Store {
    #[lifecycle::component(timeout = Duration::from_secs(5))]
    fn close(&self) {}
}

fn main() {}
