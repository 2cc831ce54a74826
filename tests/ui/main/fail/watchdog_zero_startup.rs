#[lifecycle::main(watchdog(startup = "0s"))]
fn main() {}
