struct Store;

impl Store {
    #[lifecycle::component(timeout = 5)]
    async fn close(&self) {}
}

fn main() {}
