struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(self: &std::sync::Arc<Self>) {}
}

fn main() {}
