#[lifecycle::main(
    restart(
        max_crashes = 3,
        within = "5m",
        wait = "60s",
        factor = 2,
        max_wait = "5m",
        first_wait = "1s",
        jitter = 0.25,
        max_retry_after = "24h",
        file = ".restart_count",
        mode = "exec",
        service = "orders"
    ),
    watchdog(timeout = "60s", startup = "1m 30s", on_hang = "exec")
)]
fn main() {}
