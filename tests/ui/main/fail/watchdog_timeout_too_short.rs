#[lifecycle::main(watchdog(timeout = "49ms"))]
async fn main() {}
