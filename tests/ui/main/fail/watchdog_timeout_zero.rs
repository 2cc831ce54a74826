#[lifecycle::main(watchdog(timeout = "0s"))]
async fn main() {}
