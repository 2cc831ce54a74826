#[lifecycle::main(probes = "8080", ready = "explicit")]
async fn main() {}
