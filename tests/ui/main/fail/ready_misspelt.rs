#[lifecycle::main(ready = "explicitly")]
async fn main() {}
