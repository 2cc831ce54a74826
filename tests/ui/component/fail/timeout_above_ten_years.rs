#[lifecycle::component(timeout = "20years")]
async fn close() {}

fn main() {}
