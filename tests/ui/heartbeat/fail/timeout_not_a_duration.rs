#[lifecycle::heartbeat(timeout = "soon")]
async fn tick() {}

fn main() {}
