struct Store;

impl Store {
    #[lifecycle::component(3)]
    async fn close(&self) {}
}

fn main() {}
