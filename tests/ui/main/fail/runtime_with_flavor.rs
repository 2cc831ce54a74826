fn runtime() -> tokio::runtime::Builder {
    tokio::runtime::Builder::new_current_thread()
}

#[lifecycle::main(runtime = runtime, flavor = current_thread)]
async fn main() {}
