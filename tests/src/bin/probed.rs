//! A service that is asked how it does: the argument says what becomes of it. Files of its folder let it go on.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lifecycle::heartbeat;

static RUNS: AtomicU32 = AtomicU32::new(0);

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

async fn wait_for(file: &str) {
    while !Path::new(file).exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

struct Queue;

impl Queue {
    #[lifecycle::component(phase = "persist", timeout = "20s", on_hang = true)]
    fn flush(&self) {
        if scenario() == "hang" {
            std::thread::sleep(Duration::from_secs(5));
        }
        while scenario() == "life" && !Path::new("end").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[heartbeat(arm = "first_beat")]
async fn tick() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

fn init() {
    while scenario() == "life" && !Path::new("init").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[lifecycle::main(flavor = current_thread, ready = "explicit", init = init)]
async fn main() -> Result<(), String> {
    lifecycle::manage(Queue);
    println!("main");
    if scenario() == "life" {
        wait_for("go").await;
    }
    if scenario() == "unlucky" && RUNS.fetch_add(1, Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        return Err("cannot reach postgres://bot:hunter2@db/orders".into());
    }
    lifecycle::ready();
    println!("up");
    match scenario().as_str() {
        "crash" => return Err("no luck".into()),
        "frozen" | "hang" => std::thread::sleep(Duration::from_secs(3600)),
        _ => {}
    }
    while lifecycle::is_running() {
        tick().await;
        if scenario() == "half" {
            let until = Instant::now() + Duration::from_millis(20);
            while Instant::now() < until {}
        }
    }
    Ok(())
}
