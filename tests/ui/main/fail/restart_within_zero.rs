#[lifecycle::main(restart(within = "0s"))]
async fn main() {}
