#[lifecycle::heartbeat(arm = "firstbeat")]
async fn tick() {}

fn main() {}
