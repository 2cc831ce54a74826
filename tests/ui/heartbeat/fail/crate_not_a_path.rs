#[lifecycle::heartbeat(crate = "lifecycle")]
async fn tick() {}

fn main() {}
