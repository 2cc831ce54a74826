struct Store;

impl Store {
    #[lifecycle::component]
    unsafe fn close(&self) {}
}

fn main() {}
