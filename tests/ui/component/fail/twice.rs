struct Store;

impl Store {
    #[lifecycle::component]
    #[lifecycle::component(phase = "stop")]
    async fn close(&self) {}
}

fn main() {}
