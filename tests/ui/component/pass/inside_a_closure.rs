fn main() {
    let manage = || {
        struct Store;
        impl Store {
            #[lifecycle::component]
            fn close(&self) {}
        }
        lifecycle::manage(Store)
    };
    manage();
}
