#[lifecycle::main(restart(wait = "2m", max_wait = "1m"))]
async fn main() {}
