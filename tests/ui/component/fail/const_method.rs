struct Store;

impl Store {
    #[lifecycle::component]
    const fn close(&self) {}
}

fn main() {}
