struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(self) {}
}

fn main() {}
