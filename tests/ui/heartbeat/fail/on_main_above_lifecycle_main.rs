#[lifecycle::heartbeat]
#[lifecycle::main]
async fn main() {}
