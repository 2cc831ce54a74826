struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(&self) -> anyhow::Result<()> { Ok(()) }
}

fn main() {
    lifecycle::manage(Store);
    assert_eq!(lifecycle::plan().hooks.len(), 1);
}
