struct Store;

impl Store {
    #[lifecycle::component]
    async fn close() {}
}

fn main() {}
