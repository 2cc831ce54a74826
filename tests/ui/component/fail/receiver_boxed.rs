struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(self: Box<Self>) {}
}

fn main() {}
