#[lifecycle::main(watchdog(time = "60s"))]
async fn main() {}
