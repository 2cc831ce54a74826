trait Close {
    async fn close(&self);
}

struct Store;

impl Close for Store {
    async fn close(&self) {}
}

impl Store {
    #[lifecycle::component]
    async fn stop(&self) {
        Close::close(self).await;
    }
}

fn main() {
    lifecycle::manage(Store);
}
