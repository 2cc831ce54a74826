#[lifecycle::main(restart(max_crash = 3))]
async fn main() {}
