#[lifecycle::main(restart(store = "postgres://bot:secret@db"))]
async fn main() {}
