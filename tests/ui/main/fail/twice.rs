#[lifecycle::main]
#[lifecycle::main]
async fn main() {}
