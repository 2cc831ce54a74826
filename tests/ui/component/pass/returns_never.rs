struct Store;

impl Store {
    #[lifecycle::component]
    async fn close(&self) -> ! { std::process::exit(0) }
}

fn main() {
    lifecycle::manage(Store);
    assert_eq!(lifecycle::plan().hooks.len(), 1);
}
