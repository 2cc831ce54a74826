#[lifecycle::main(restart = false, flavor = current_thread)]
fn main() {}
