#[lifecycle::main(drain)]
async fn main() {}
