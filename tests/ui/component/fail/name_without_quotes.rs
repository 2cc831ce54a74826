struct Store;

impl Store {
    #[lifecycle::component(name = store)]
    fn close(&self) {}
}

fn main() {}
