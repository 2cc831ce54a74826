struct Store;

impl Store {
    #[lifecycle::component(order = 1, order = 2)]
    async fn close(&self) {}
}

fn main() {}
