#[lifecycle::main(restart(factor = 0))]
async fn main() {}
