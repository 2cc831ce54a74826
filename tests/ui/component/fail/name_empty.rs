struct Store;

impl Store {
    #[lifecycle::component(name = "")]
    async fn close(&self) {}
}

fn main() {}
