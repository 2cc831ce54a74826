struct Store;

impl Store {
    #[lifecycle::component(phase = disconnect)]
    async fn close(&self) {}
}

fn main() {}
