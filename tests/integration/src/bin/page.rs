//! A service whose page has something in every part: its first run crashes, one of its tasks has failed once and was restarted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

static CALLS: AtomicU32 = AtomicU32::new(0);
static RUNS: AtomicU32 = AtomicU32::new(0);

struct PriceFeed;

impl PriceFeed {
    #[lifecycle::component(order = 1, phase = "stop")]
    async fn close(&self) {}

    #[lifecycle::task(restart(max_restarts = 3, wait = "20ms"))]
    async fn follow(self: Arc<Self>) -> anyhow::Result<()> {
        if CALLS.fetch_add(1, Relaxed) == 1 {
            anyhow::bail!("connection reset by peer");
        }
        while lifecycle::is_running() {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Ok(())
    }
}

struct Strategy;

impl Strategy {
    #[lifecycle::component(phase = "persist")]
    async fn flush(&self) {}

    #[lifecycle::heartbeat(name = "Strategy::tick")]
    async fn tick(&self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[lifecycle::heartbeat(name = "<b>reconcile</b>", timeout = "5m")]
async fn reconcile() {
    tokio::time::sleep(Duration::from_millis(1500)).await;
}

/// So that a worker is busy.
fn calculate(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

#[lifecycle::main(worker_threads = 2, ready = "explicit", drain = "4s")]
async fn main() -> anyhow::Result<()> {
    let _api = lifecycle::listen_named("api", "127.0.0.1:0").await?;
    let _admin = lifecycle::listen_unix("admin.sock").await?;
    let _feed = lifecycle::manage(PriceFeed);
    let strategy = lifecycle::manage(Strategy);
    if RUNS.fetch_add(1, Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        anyhow::bail!("exchange closed the connection: maintenance");
    }
    lifecycle::spawn("reconciler", async {
        while lifecycle::is_running() {
            reconcile().await;
        }
    });
    lifecycle::spawn("indicators", async {
        while lifecycle::is_running() {
            calculate(Duration::from_millis(40));
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    });
    lifecycle::ready();
    println!("up");
    while lifecycle::is_running() {
        strategy.tick().await;
    }
    // As long as somebody looks.
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(())
}
