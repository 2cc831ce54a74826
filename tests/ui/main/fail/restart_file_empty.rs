#[lifecycle::main(restart(file = ""))]
async fn main() {}
