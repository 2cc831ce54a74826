#[lifecycle::task(phase = "stop")]
async fn run() {}

fn main() {}
