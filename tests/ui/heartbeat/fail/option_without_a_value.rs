#[lifecycle::heartbeat(arm)]
fn tick() {}

fn main() {}
