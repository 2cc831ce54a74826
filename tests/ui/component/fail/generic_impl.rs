struct Cache<T>(T);

impl<T: Send + Sync + 'static> Cache<T> {
    #[lifecycle::component]
    async fn close(&self) {}
}

fn main() {}
