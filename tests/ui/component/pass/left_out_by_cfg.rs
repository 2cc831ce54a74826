#[lifecycle::component]
#[cfg(any())]
fn close() -> Missing {}

fn main() {
    assert!(lifecycle::plan().hooks.is_empty());
}
