struct Feed<T>(T);

impl<T: Send + Sync + 'static> Feed<T> {
    #[lifecycle::task]
    async fn run(&self) {}
}

fn main() {}
