#[lifecycle::main(watchdog = "60s")]
async fn main() {}
