#[lifecycle::main(panic = "abort")]
async fn main() {}
