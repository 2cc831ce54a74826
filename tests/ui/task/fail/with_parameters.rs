#[lifecycle::task]
async fn run(url: String) {}

fn main() {}
