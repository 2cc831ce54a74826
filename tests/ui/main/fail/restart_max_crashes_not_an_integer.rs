#[lifecycle::main(restart(max_crashes = "3"))]
fn main() {}
