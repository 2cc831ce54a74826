#[lifecycle::heartbeat]
fn main() {}
