#[lifecycle::main(init = setup)]
fn main() {}

async fn setup() {}
