#[lifecycle::main(shutdown_timeout = "5s", drain_delay = "6s")]
async fn main() {}
