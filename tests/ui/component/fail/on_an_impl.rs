struct Store;

#[lifecycle::component(order = 1)]
impl Store {
    async fn close(&self) {}
}

fn main() {}
