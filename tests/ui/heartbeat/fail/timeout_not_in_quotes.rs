#[lifecycle::heartbeat(timeout = 60)]
async fn tick() {}

fn main() {}
