#[lifecycle::main(drain = "five")]
async fn main() {}
