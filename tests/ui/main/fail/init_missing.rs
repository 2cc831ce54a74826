#[lifecycle::main(init = setup)]
fn main() {}
