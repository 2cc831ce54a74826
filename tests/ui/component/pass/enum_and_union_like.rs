enum Store {
    Open,
}

impl Store {
    #[lifecycle::component]
    fn close(&self) {}
}

fn main() {
    lifecycle::manage(Store::Open);
}
