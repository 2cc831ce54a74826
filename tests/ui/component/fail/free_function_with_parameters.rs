#[lifecycle::component]
async fn close(_pool: u8) {}

fn main() {}
