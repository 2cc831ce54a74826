//! Many hooks of one step that block: `crowd <flavor> <kind> <how> <count>`. Two steps behind them must be called.

use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lifecycle::{Flavor, Options, Service};

const HOUR: Duration = Duration::from_secs(3600);

/// Held for ever by the first that takes it.
static LOCK: Mutex<()> = Mutex::new(());

fn argument(index: usize) -> String {
    std::env::args().nth(index).unwrap_or_default()
}

fn block() {
    match argument(3).as_str() {
        "lock" => {
            let held: MutexGuard<'_, ()> = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
            std::thread::sleep(HOUR);
            drop(held);
        }
        "spin" => loop {
            std::hint::spin_loop();
        },
        _ => std::thread::sleep(HOUR),
    }
}

struct Asynchronous;

impl Asynchronous {
    #[lifecycle::component(phase = "stop", timeout = "900ms")]
    async fn close(&self) {
        block();
    }
}

/// Blocks only once it has waited.
struct Later;

impl Later {
    #[lifecycle::component(phase = "stop", timeout = "900ms")]
    async fn close(&self) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        block();
    }
}

struct Plain;

impl Plain {
    #[lifecycle::component(phase = "stop", timeout = "900ms")]
    fn close(&self) {
        block();
    }
}

/// Fills the runtime's blocking pool, and waits for it.
struct Pool;

impl Pool {
    #[lifecycle::component(phase = "stop", timeout = "900ms")]
    async fn close(&self) {
        let _ = tokio::task::spawn_blocking(block).await;
    }
}

#[lifecycle::component(phase = "stop", timeout = "900ms")]
async fn neighbour() {
    println!("neighbour");
}

#[lifecycle::component(phase = "persist", timeout = "900ms")]
async fn flush() {
    tokio::time::sleep(Duration::from_millis(5)).await;
    println!("flushed");
}

#[lifecycle::component(phase = "persist", order = 1, timeout = "900ms")]
fn write() {
    println!("written");
}

#[lifecycle::component(phase = "disconnect", timeout = "900ms")]
async fn close() {
    let waited = tokio::task::spawn(tokio::time::sleep(Duration::from_millis(5)));
    waited.await.expect("a task of a hook runs");
    println!("closed");
}

async fn main_body() {
    let count = argument(4).parse().expect("a count");
    for _ in 0..count {
        match argument(2).as_str() {
            "async" => drop(lifecycle::manage(Asynchronous)),
            "later" => drop(lifecycle::manage(Later)),
            "plain" => drop(lifecycle::manage(Plain)),
            _ => drop(lifecycle::manage(Pool)),
        }
    }
    println!("up");
    lifecycle::stopping().await;
}

fn main() -> ExitCode {
    let (flavor, worker_threads) = match argument(1).as_str() {
        "current-thread" => (Flavor::CurrentThread, None),
        "one-worker" => (Flavor::MultiThread, Some(1)),
        _ => (Flavor::MultiThread, Some(2)),
    };
    Service::new().options(Options { flavor, worker_threads, ..Options::DEFAULT }).run(main_body)
}
