struct Store;

impl Store {
    #[lifecycle::component]
    extern "C" fn close(&self) {}
}

fn main() {}
