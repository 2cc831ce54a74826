#[lifecycle::heartbeat]
struct Tick;

fn main() {}
