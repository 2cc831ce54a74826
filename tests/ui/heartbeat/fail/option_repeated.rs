#[lifecycle::heartbeat(name = "a", name = "b")]
async fn tick() {}

fn main() {}
