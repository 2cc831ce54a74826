#[lifecycle::heartbeat(timeout = "1s" name = "tick")]
fn tick() {}

fn main() {}
