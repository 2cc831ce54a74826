#[lifecycle::heartbeat]
const fn tick() {}

fn main() {}
