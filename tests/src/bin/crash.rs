//! A service that crashes: `crash`, `crash UPTIME_MS`, `crash UPTIME_MS TIMES`, after which it stays up, or, with the
//! variable LEAVE, returns.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

static RUNS: AtomicU32 = AtomicU32::new(0);

struct Socket(std::net::TcpListener);

impl Socket {
    #[lifecycle::component]
    async fn close(&self) {
        println!("closed {}", self.0.local_addr().is_ok());
    }
}

/// Says when a task of the run is dropped.
struct Dropped;

impl Drop for Dropped {
    fn drop(&mut self) {
        println!("task gone");
    }
}

fn argument(index: usize) -> Option<u64> {
    std::env::args().nth(index)?.parse().ok()
}

fn init() {
    println!("init");
}

#[lifecycle::main(init = init)]
async fn main() -> anyhow::Result<()> {
    let run = RUNS.fetch_add(1, Relaxed) + 1;
    println!("run {run}");
    if let Ok(port) = std::env::var("PORT") {
        lifecycle::manage(Socket(std::net::TcpListener::bind(format!("127.0.0.1:{port}"))?));
        tokio::spawn(async {
            let _dropped = Dropped;
            std::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
    }
    if argument(2).is_some_and(|times| u64::from(run) > times) {
        if std::env::var_os("LEAVE").is_some() {
            return Ok(());
        }
        println!("stays up");
        lifecycle::stopping().await;
        return Ok(());
    }
    tokio::time::sleep(Duration::from_millis(argument(1).unwrap_or(0))).await;
    Err(anyhow::anyhow!("no route to exchange").context(format!("run {run} failed")))
}
