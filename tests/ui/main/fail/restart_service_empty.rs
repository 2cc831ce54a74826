#[lifecycle::main(restart(service = ""))]
async fn main() {}
