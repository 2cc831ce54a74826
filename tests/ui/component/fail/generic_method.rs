struct Store;

impl Store {
    #[lifecycle::component]
    async fn close<T>(&self) {}
}

fn main() {}
