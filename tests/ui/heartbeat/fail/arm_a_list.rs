#[lifecycle::heartbeat(arm("call"))]
fn tick() {}

fn main() {}
