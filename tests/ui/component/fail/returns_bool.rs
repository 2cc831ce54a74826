struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(&self) -> bool {
        true
    }
}

fn main() {}
