//! The smallest service: one hook, one heartbeat. Press Ctrl-C: it says goodbye, and the report says that it did.

use std::time::Duration;

struct Greeter;

impl Greeter {
    #[lifecycle::heartbeat]
    async fn greet(&self) {
        println!("hello");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    #[lifecycle::component]
    async fn close(&self) {
        println!("goodbye");
    }
}

#[lifecycle::main(init = tracing_subscriber::fmt::init)]
async fn main() {
    let greeter = lifecycle::manage(Greeter);
    while lifecycle::is_running() {
        greeter.greet().await;
    }
}
