#[lifecycle::main(drain = "1s", drain = "2s")]
async fn main() {}
