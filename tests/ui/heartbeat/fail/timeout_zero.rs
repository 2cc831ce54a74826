#[lifecycle::heartbeat(timeout = "0s")]
async fn tick() {}

fn main() {}
