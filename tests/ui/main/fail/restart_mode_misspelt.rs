#[lifecycle::main(restart(mode = "execve"))]
async fn main() {}
