#[lifecycle::main(drain = "1s" shutdown_timeout = "2s")]
async fn main() {}
