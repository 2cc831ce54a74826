struct Store;

impl Store {
    #[lifecycle::component(arm = "call")]
    fn close(&self) {}
}

fn main() {}
