struct Store;

impl Store {
    #[lifecycle::component]
    fn close(&self) -> std::io::Result<()> { Ok(()) }
}

fn main() {
    lifecycle::manage(Store);
    assert_eq!(lifecycle::plan().hooks.len(), 1);
}
