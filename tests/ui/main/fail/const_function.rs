#[lifecycle::main]
const fn main() {}
