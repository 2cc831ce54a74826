use std::sync::Arc;

struct Store;

impl Store {
    #[lifecycle::component]
    fn close(&self) {}
}

fn main() {
    let store = lifecycle::manage_arc(Arc::new(Store));
    let panic = std::panic::catch_unwind(|| lifecycle::manage(store)).err().unwrap();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("write `lifecycle::manage_arc(…)`"), "{text}");
}
