#[lifecycle::main(watchdog(on_hang = exce))]
async fn main() {}
