//! Fails a millisecond after it is up: for a signal to race with (H10).

use std::time::Duration;

struct Component;

impl Component {
    #[lifecycle::component(phase = "stop")]
    async fn stop(&self) {
        println!("hook stop");
    }

    #[lifecycle::component]
    fn close(&self) {
        println!("hook close");
    }
}

#[lifecycle::main]
async fn main() -> Result<(), String> {
    lifecycle::manage(Component);
    println!("up");
    tokio::time::sleep(Duration::from_millis(1)).await;
    Err("a failure to race with".into())
}
