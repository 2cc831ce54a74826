#[lifecycle::main(shutdown_timeout = 25)]
async fn main() {}
