struct Store;

impl Store {
    #[lifecycle::component]
    fn close(&self) where u8: Copy {}
}

fn main() {}
