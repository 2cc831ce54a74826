struct Store;

impl Store {
    #[lifecycle::component(phase = "disconect")]
    async fn close(&self) {}
}

fn main() {}
