#[lifecycle::heartbeat(timeout = "100000w")]
fn tick() {}

fn main() {}
