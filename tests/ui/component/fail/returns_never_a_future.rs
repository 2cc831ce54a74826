struct Store;

impl Store {
    #[lifecycle::component]
    fn close(&self) -> impl Future<Output = ()> { async {} }
}

fn main() {}
