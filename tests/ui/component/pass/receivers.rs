use std::sync::Arc;

struct Store;

impl Store {
    #[lifecycle::component(order = -1, phase = "stop", timeout = "1m 30s", name = "store")]
    async fn by_reference(&self) {}

    #[lifecycle::component(phase = lifecycle::Phase::PERSIST)]
    fn by_typed_reference(self: &Self) -> Result<(), String> {
        Ok(())
    }

    #[lifecycle::component]
    async fn shared(self: Arc<Self>) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[lifecycle::component]
    fn shared_by_path(self: std::sync::Arc<Self>) {}
}

fn main() {
    lifecycle::manage(Store);
}
