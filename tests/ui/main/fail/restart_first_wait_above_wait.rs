#[lifecycle::main(restart(first_wait = "2m", wait = "1m"))]
async fn main() {}
