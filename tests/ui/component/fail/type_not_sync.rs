struct Store(std::cell::Cell<u8>);

impl Store {
    #[lifecycle::component]
    fn close(&self) {}
}

fn main() {}
