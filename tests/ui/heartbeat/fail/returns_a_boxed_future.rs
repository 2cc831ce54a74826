use std::pin::Pin;

#[lifecycle::heartbeat]
fn tick() -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let future = async {};
    Box::pin(future)
}

fn main() {}
