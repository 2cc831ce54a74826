struct Store;

impl Store {
    #[lifecycle::component(order = 2147483648)]
    async fn close(&self) {}
}

fn main() {}
