struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(&self, token: lifecycle::Phase) {}
}

fn main() {}
