#[lifecycle::main(flavor = "local")]
async fn main() {}
