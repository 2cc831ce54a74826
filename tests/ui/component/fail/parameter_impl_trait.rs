struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(&self, _log: impl Fn()) {}
}

fn main() {}
