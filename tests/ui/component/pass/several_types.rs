struct Store;
struct Cache;

impl Store {
    #[lifecycle::component]
    fn close(&self) {}
}

impl Cache {
    #[lifecycle::component]
    fn close(&self) {}
}

fn main() {
    lifecycle::manage(Store);
    lifecycle::manage(Cache);
}
