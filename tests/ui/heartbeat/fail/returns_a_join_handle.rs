#[lifecycle::heartbeat]
fn tick() -> std::pin::Pin<Box<dyn std::future::Future<Output = ()>>> {
    Box::pin(std::future::pending())
}

fn main() {}
