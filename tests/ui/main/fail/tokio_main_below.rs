#[lifecycle::main]
#[tokio::main]
async fn main() {}
