#[lifecycle::task(restart(max_restart = 3))]
async fn run() {}

fn main() {}
