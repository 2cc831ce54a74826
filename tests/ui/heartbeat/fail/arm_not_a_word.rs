#[lifecycle::heartbeat(arm = 1)]
fn tick() {}

fn main() {}
