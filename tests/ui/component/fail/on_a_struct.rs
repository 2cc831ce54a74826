#[lifecycle::component]
struct Store;

fn main() {}
