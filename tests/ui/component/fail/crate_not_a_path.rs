struct Store;

impl Store {
    #[lifecycle::component(crate = "lifecycle")]
    async fn close(&self) {}
}

fn main() {}
