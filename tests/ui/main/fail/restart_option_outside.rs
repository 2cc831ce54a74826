#[lifecycle::main(max_crashes = 3)]
fn main() {}
