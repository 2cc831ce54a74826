#[lifecycle::main(restart(max_crashes = -1))]
async fn main() {}
