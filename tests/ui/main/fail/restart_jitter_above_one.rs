#[lifecycle::main(restart(jitter = 1.5))]
async fn main() {}
