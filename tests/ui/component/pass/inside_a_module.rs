mod store {
    pub mod inner {
        pub struct Store;

        impl Store {
            #[lifecycle::component]
            fn close(&self) {}
        }
    }
}

fn main() {
    lifecycle::manage(store::inner::Store);
}
