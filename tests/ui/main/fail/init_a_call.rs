#[lifecycle::main(init = setup())]
fn main() {}

fn setup() {}
