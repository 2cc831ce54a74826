struct Pool<T>(T);

impl<T> Pool<T> {
    #[lifecycle::component]
    async fn close(self: std::sync::Arc<Self>) {}
}

fn main() {}
