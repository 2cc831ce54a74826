struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(&mut self) {}
}

fn main() {}
