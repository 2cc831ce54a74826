struct Store;

#[allow(dead_code)]
/// Has `impl<T> { … }` in its "documentation".
#[cfg(not(any()))]
impl Store {
    const TEXT: &str = "impl<T> Store<T> {";

    #[lifecycle::component]
    fn close(&self) {}
}

fn main() {
    lifecycle::manage(Store);
}
