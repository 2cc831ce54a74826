#[tokio::main]
#[lifecycle::main]
async fn main() {}
