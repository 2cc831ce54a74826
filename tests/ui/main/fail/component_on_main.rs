#[lifecycle::component]
fn main() {}
