#[lifecycle::main(worker_threads = 100000)]
fn main() {}
