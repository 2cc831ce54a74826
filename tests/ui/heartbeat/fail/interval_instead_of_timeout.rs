#[lifecycle::heartbeat(time_out = "1s")]
fn tick() {}

fn main() {}
