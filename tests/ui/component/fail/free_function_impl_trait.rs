#[lifecycle::component]
fn close(_pool: impl Sized) {}

fn main() {}
