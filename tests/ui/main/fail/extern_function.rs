#[lifecycle::main]
extern "C" fn main() {}
