struct Store;

impl Store {
    #[lifecycle::component]
    fn close() {
        let _ = Self;
    }
}

fn main() {}
