#[lifecycle::main(drain = "-1s")]
fn main() {}
