#[lifecycle::main(restart(max_retry_after = "tomorrow"))]
fn main() {}
