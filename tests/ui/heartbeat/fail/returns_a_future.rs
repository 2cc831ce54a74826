#[lifecycle::heartbeat]
fn tick() -> impl Future<Output = ()> {
    std::future::ready(())
}

fn main() {}
