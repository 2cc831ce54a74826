#[lifecycle::component]
#[lifecycle::component]
fn close() {}

fn main() {}
