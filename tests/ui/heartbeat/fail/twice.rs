#[lifecycle::heartbeat]
#[lifecycle::heartbeat(name = "tick")]
fn tick() {}

fn main() {}
