#[lifecycle::main(crate = "lifecycle")]
async fn main() {}
