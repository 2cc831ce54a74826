#[lifecycle::main(shutdown_timeout = "3651d")]
async fn main() {}
