struct Store;

trait Close {
    async fn close(&self);
}

impl Close for Store {
    #[lifecycle::component]
    async fn close(&self) {}
}

fn main() {}
