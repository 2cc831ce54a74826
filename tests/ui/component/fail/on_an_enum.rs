#[lifecycle::component]
enum Store {}

fn main() {}
