struct Store;

impl Store {
    #[lifecycle::component]
    fn close() {}
}

fn main() {}
