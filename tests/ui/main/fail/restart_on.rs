#[lifecycle::main(restart = on)]
fn main() {}
