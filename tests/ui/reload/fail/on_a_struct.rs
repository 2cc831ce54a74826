#[lifecycle::reload]
struct Config;

fn main() {}
