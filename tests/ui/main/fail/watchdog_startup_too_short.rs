#[lifecycle::main(watchdog(startup = "1ms"))]
async fn main() {}
