#[lifecycle::main(
    shutdown_timeout = "25s",
    drain = "0s",
    restart = false,
    watchdog(timeout = "60s", startup = "1m 30s"),
    init = setup,
    flavor = multi_thread,
    worker_threads = 1
)]
async fn main() -> Result<(), String> {
    Ok(())
}

fn setup() {}
