#[lifecycle::heartbeat(limit = "60s")]
async fn tick() {}

fn main() {}
