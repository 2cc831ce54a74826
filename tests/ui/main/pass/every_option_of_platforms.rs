fn runtime() -> tokio::runtime::Builder {
    tokio::runtime::Builder::new_current_thread()
}

#[lifecycle::main(drain_delay = "1s", ready = "explicit", on_hangup = "ignore", panic = "end", runtime = runtime)]
async fn main() {
    lifecycle::ready();
}
