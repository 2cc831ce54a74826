struct Store;

impl Store {
    #[lifecycle::component(ordr = 1)]
    async fn close(&self) {}
}

fn main() {}
