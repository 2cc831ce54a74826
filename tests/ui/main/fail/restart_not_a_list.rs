#[lifecycle::main(restart = "off")]
async fn main() {}
