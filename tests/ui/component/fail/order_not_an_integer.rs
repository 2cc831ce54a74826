struct Store;

impl Store {
    #[lifecycle::component(order = "3")]
    async fn close(&self) {}
}

fn main() {}
