#[lifecycle::main(init = setup)]
fn main() {}

fn setup(_level: u8) {}
