struct Store;

impl Store {
    #[lifecycle::component(order = )]
    async fn close(&self) {}
}

fn main() {}
