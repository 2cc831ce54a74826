#[lifecycle::component]
mod store {}

fn main() {}
