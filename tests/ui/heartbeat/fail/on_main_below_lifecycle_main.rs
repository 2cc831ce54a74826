#[lifecycle::main]
#[lifecycle::heartbeat]
async fn main() {}
