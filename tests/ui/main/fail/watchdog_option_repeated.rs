#[lifecycle::main(watchdog(timeout = "1s", timeout = "2s"))]
fn main() {}
