#[lifecycle::main(restart(wait = "1s", wait = "2s"))]
async fn main() {}
