struct Store;

impl Store {
    #[lifecycle::component(phase = "stop")]
    async fn stop(&self) {}

    #[lifecycle::component(phase = "persist")]
    fn flush(&self) {}

    #[lifecycle::component]
    async fn close(self: std::sync::Arc<Self>) {}
}

fn main() {
    lifecycle::manage(Store);
    assert_eq!(lifecycle::plan().hooks.len(), 3);
}
