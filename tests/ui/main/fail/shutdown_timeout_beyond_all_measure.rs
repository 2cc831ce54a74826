#[lifecycle::main(shutdown_timeout = "500000000000y")]
async fn main() {}
