struct Store;

impl Store {
    #[lifecycle::component]
    fn close(&self) -> &str { "" }
}

fn main() {}
