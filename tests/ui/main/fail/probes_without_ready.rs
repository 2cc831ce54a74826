#[lifecycle::main(probes = "0.0.0.0:8080")]
async fn main() {}
