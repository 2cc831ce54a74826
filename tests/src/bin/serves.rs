//! A service that goes on, with something in it that does not; the argument picks it. As in `matrix`, the line that a
//! report must name ends with `// <scenario>`.

use std::thread::sleep;
use std::time::Duration;

use lifecycle::heartbeat;
use lifecycle_tests::broken;

const HOUR: Duration = Duration::from_secs(3600);

struct Pool;

impl Pool {
    #[lifecycle::component(timeout = "600ms")]
    async fn close(&self) {
        match scenario().as_str() {
            "hook" => wait_for_fill().await,
            "hook-blocks" => sleep(HOUR), // hook-blocks
            _ => {}
        }
    }
}

async fn wait_for_fill() {
    let filled = tokio::sync::Notify::new();
    filled.notified().await; // hook
}

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

async fn import() {
    sleep(HOUR); // partial
}

#[heartbeat]
async fn tick() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[lifecycle::main(worker_threads = 4)]
async fn main() {
    lifecycle::manage(Pool);
    match scenario().as_str() {
        "partial" => drop(lifecycle::spawn("import", import())),
        "broken" => drop(std::thread::spawn(broken::spin_with_a_broken_frame)),
        "report" => drop(std::thread::spawn(|| print!("{}", lifecycle::report()))),
        _ => {}
    }
    lifecycle::spawn("waiter", wait_for_fill());
    println!("serves");
    let mut turn = 0_u64;
    while lifecycle::is_running() {
        tick().await;
        turn += 1;
        println!("turn {turn}");
    }
}
