#[lifecycle::main(on_hangup = "restart")]
async fn main() {}
