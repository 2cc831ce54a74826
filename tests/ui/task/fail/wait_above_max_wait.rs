#[lifecycle::task(restart(wait = "5s", max_wait = "1s"))]
async fn run() {}

fn main() {}
