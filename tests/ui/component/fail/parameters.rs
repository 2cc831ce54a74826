struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(&self, _hard: bool) {}
}

fn main() {}
