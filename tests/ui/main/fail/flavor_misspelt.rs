#[lifecycle::main(flavor = multithread)]
async fn main() {}
