#[lifecycle::main(restart(wait = "0s"))]
async fn main() {}
