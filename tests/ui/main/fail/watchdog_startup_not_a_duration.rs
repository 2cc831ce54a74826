#[lifecycle::main(watchdog(startup = "60"))]
async fn main() {}
