#[lifecycle::heartbeat(timeout = "10ms")]
fn tick() {}

fn main() {}
