struct Store;

impl Store {
    #[lifecycle::component]
    fn close(&self) -> Option<()> { None }
}

fn main() {}
