#[lifecycle::component]
fn close<T>() {}

fn main() {}
