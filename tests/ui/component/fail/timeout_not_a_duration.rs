struct Store;

impl Store {
    #[lifecycle::component(timeout = "5 parsecs")]
    async fn close(&self) {}
}

fn main() {}
