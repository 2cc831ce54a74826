struct Store;

impl Store {
    #[lifecycle::component(phase = "Persist")]
    fn close(&self) {}
}

fn main() {}
