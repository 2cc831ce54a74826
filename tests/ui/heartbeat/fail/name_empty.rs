#[lifecycle::heartbeat(name = "")]
async fn tick() {}

fn main() {}
