use lifecycle::component;

#[component]
fn close() {}

fn main() {}
