struct Store;

impl Store {
    #[lifecycle::component]
    #[allow(dead_code)] #[inline] #[doc = "Closes."] pub async fn close(&self) {}
}

fn main() {
    lifecycle::manage(Store);
    assert_eq!(lifecycle::plan().hooks.len(), 1);
}
