struct Store;

impl Store {
    #[lifecycle::component(timeout = "0s")]
    async fn close(&self) {}
}

fn main() {}
