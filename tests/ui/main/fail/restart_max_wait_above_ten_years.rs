#[lifecycle::main(restart(max_wait = "11y"))]
async fn main() {}
