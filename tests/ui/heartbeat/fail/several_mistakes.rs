#[lifecycle::heartbeat(timeout = 60, arm = "begin")]
const fn tick() {}

fn main() {}
