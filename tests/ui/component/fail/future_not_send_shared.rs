struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(self: std::sync::Arc<Self>) {
        let local = std::rc::Rc::new(0);
        std::future::ready(()).await;
        drop(local);
    }
}

fn main() {}
