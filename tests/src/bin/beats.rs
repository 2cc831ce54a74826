//! Heartbeats of every kind; the first argument picks one. The limit comes from the environment.

use std::time::Duration;

use lifecycle::{Heartbeat, heartbeat, watchdog};

async fn millis(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

struct Scheduler;

impl Scheduler {
    #[heartbeat(name = "scheduler")]
    async fn tick(&self, work: u64) {
        tokio::task::yield_now().await;
        millis(work).await;
        if work == u64::MAX {
            std::future::pending::<()>().await; // W5
        }
    }

    #[lifecycle::component]
    async fn close(&self) {
        println!("closed");
    }
}

#[heartbeat(arm = "first_beat")]
async fn stuck() {
    println!("ticks");
    millis(1).await;
    std::future::pending::<()>().await; // here it hangs
}

#[heartbeat(arm = "first_beat", timeout = "1500ms")]
fn blocking_tick(work: u64) {
    std::thread::sleep(Duration::from_millis(work));
}

/// A second of work in slices: a process that is stopped in its middle still has the rest to do when it goes on.
#[heartbeat(arm = "first_beat")]
async fn slices() {
    for _ in 0..20 {
        millis(50).await;
    }
}

/// One call for as long as the service runs.
#[heartbeat(arm = "first_beat")]
async fn rounds(hangs: bool) {
    let mut round = 0;
    loop {
        millis(50).await;
        round += 1;
        if hangs && round == 3 {
            std::future::pending::<()>().await;
        }
    }
}

#[heartbeat(arm = "first_beat")]
fn blocking_rounds() {
    while lifecycle::is_running() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Called when a message comes, which may be rare.
#[heartbeat(arm = "call", timeout = "1s")]
async fn handle(hangs: bool) {
    millis(1).await;
    if hangs {
        std::future::pending::<()>().await;
    }
}

#[heartbeat(arm = "first_beat", timeout = "1s")]
async fn blocks_behind_its_await() {
    millis(1).await;
    std::thread::sleep(Duration::from_secs(3600));
}

static MANUAL: Heartbeat = Heartbeat::new("manual", Duration::from_millis(1000));

#[lifecycle::main(worker_threads = 2)]
async fn main() {
    let scheduler = lifecycle::manage(Scheduler);
    println!("up");
    let scenario = std::env::args().nth(1).unwrap_or_default();
    match scenario.as_str() {
        // W3: `scheduler` never beats.
        "silent" => std::future::pending::<()>().await,
        "beats" => {}
        "stuck" => {
            scheduler.tick(1).await;
            stuck().await;
        }
        "slow" => {
            // 0.9 of the limit: a warning at half, no kill.
            for _ in 0..2 {
                scheduler.tick(1800).await;
            }
        }
        "slices" => {
            while lifecycle::is_running() {
                scheduler.tick(1).await;
                slices().await;
            }
        }
        "manual" => {
            scheduler.tick(1).await;
            tokio::spawn(async {
                for _ in 0..5 {
                    MANUAL.beat();
                    millis(100).await;
                }
                println!("last beat");
            });
        }
        "rounds" => {
            tokio::spawn(rounds(false));
            std::thread::spawn(blocking_rounds);
        }
        "a-round-hangs" => {
            tokio::spawn(rounds(true));
        }
        "handles" => handle(false).await,
        "a-handler-hangs" => {
            tokio::spawn(async {
                tokio::join!(handle(true), async {
                    millis(200).await;
                    handle(false).await;
                });
            });
        }
        "retired" => {
            MANUAL.beat();
            MANUAL.retire();
        }
        "retired-and-back" => {
            MANUAL.retire();
            MANUAL.beat();
        }
        "blocks-behind-its-await" => {
            tokio::spawn(blocks_behind_its_await());
        }
        // One beat, and none after it.
        "once" => {
            MANUAL.beat();
            std::future::pending::<()>().await;
        }
        "first" => scheduler.tick(3_600_000).await,
        "paused" => paused(&scheduler).await,
        "worker-blocked" => {
            tokio::spawn(async { std::thread::sleep(Duration::from_secs(3600)) });
        }
        "timer-blocks" => {
            // Alone on the worker that waited for the timers, while the others sleep.
            tokio::spawn(async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                std::thread::sleep(Duration::from_secs(3600));
            });
        }
        "tick-blocks" => {
            // On the runtime's threads: one of two workers and the main thread go on.
            tokio::spawn(async { blocking_tick(3_600_000) });
        }
        other => panic!("no scenario {other:?}"),
    }
    while lifecycle::is_running() {
        scheduler.tick(50).await;
    }
}

/// Twice the limit under each guard, the second dropped by a panic; then a hang that must be seen.
async fn paused(scheduler: &Scheduler) {
    scheduler.tick(1).await;
    let guard = watchdog::pause("a long import");
    millis(4000).await;
    drop(guard);
    let panicked = tokio::spawn(async {
        let _guard = watchdog::pause("another one");
        millis(2500).await;
        panic!("the import fails");
    });
    assert!(panicked.await.is_err());
    println!("armed again");
    std::future::pending::<()>().await;
}
