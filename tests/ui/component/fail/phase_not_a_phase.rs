struct Store;

impl Store {
    #[lifecycle::component(phase = Store)]
    async fn close(&self) {}
}

fn main() {}
