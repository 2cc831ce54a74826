#[lifecycle::main(shutdown_timeout = "10s", drain = "11s")]
async fn main() {}
