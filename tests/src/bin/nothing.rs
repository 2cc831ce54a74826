//! A service without any hook or heartbeat: `#[lifecycle::main]` alone.

use std::time::Duration;

#[lifecycle::main(flavor = current_thread, drain = "2s")]
async fn main() {
    println!("up");
    match std::env::args().nth(1).as_deref() {
        // W11: the only thread of the runtime is gone for good.
        Some("freeze") => std::thread::sleep(Duration::from_secs(3600)),
        _ => lifecycle::stopping().await,
    }
}
