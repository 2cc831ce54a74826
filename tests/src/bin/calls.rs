//! Calls of annotated functions, of which one hangs or is gone while others go on; the first argument picks a scenario. The
//! limit comes from the environment.

use std::time::{Duration, Instant};

use lifecycle::{Heartbeat, heartbeat};

async fn millis(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// One of many feeds.
#[heartbeat(arm = "first_beat")]
async fn poll_feed(hangs: bool) {
    receive(hangs).await; // the feed hangs
}

async fn receive(hangs: bool) {
    millis(20).await;
    if hangs {
        tokio::sync::Notify::new().notified().await; // no message
    }
}

/// One call for each connection, as long as it lasts.
#[heartbeat(arm = "call")]
async fn serve(mut rounds: u32) {
    while rounds > 0 {
        millis(100).await;
        rounds -= 1;
    }
    std::future::pending::<()>().await;
}

#[heartbeat(arm = "first_beat")]
fn crunch(hangs: bool) {
    std::thread::sleep(Duration::from_millis(if hangs { 3_600_000 } else { 20 }));
}

/// A job of one call that goes on with its work, and does not say so.
#[heartbeat(arm = "call")]
async fn import() {
    for_each_slice(u32::MAX).await;
}

#[heartbeat(arm = "first_beat", name = "once")]
async fn once() {}

/// Before its first call it has the start-up limit.
#[heartbeat(name = "never", timeout = "1h")]
async fn never() {}

static MANUAL: Heartbeat = Heartbeat::new("manual", Duration::from_secs(2));

/// The outer calls wait for the inner ones for longer than the limit.
#[heartbeat(arm = "first_beat")]
async fn walk(depth: u32) {
    millis(300).await;
    if depth > 0 {
        Box::pin(walk(depth - 1)).await;
    }
}

#[heartbeat(arm = "call")]
async fn panics() {
    millis(10).await;
    panic!("in the middle of a call");
}

/// Of a message that takes most of the limit.
#[heartbeat(arm = "call")]
async fn handle(slices: u32) {
    let mut slice = 0;
    if slices > 0 {
        slice = slices;
    }
    for_each_slice(slice).await;
}

/// In slices: a process that is stopped in its middle still has the rest to do when it goes on.
async fn for_each_slice(slices: u32) {
    for _ in 0..slices {
        millis(50).await;
    }
}

async fn feeds(healthy: usize) {
    for number in 0..healthy {
        lifecycle::spawn(format!("feed {number}"), async {
            while lifecycle::is_running() {
                poll_feed(false).await;
            }
        });
    }
}

fn crunching(hangs: bool) {
    std::thread::spawn(move || {
        loop {
            crunch(hangs);
        }
    });
}

#[lifecycle::main(worker_threads = 2)]
async fn main() -> Result<(), String> {
    println!("up");
    let scenario = std::env::args().nth(1).unwrap_or_default();
    match scenario.as_str() {
        "one-of-nine" => {
            feeds(8).await;
            lifecycle::spawn("feed 8", async { poll_feed(true).await });
        }
        "joined" => {
            tokio::spawn(async {
                tokio::join!(poll_feed(true), async {
                    loop {
                        poll_feed(false).await;
                    }
                });
            });
        }
        "threads" => (0..4).for_each(|number| crunching(number == 2)),
        "recursion" => loop {
            walk(12).await;
        },
        "a-round-of-many-hangs" => crowd(10_000, 100, 5).await,
        "many" => crowd(10_000, 100, u32::MAX).await,
        "gone" => gone().await,
        "slices" => loop {
            tokio::join!(handle(30), async {
                for _ in 0..15 {
                    handle(1).await;
                    millis(50).await;
                }
            });
        },
        "works-on" => import().await,
        "once" => once().await,
        "manual" => MANUAL.beat(),
        "never" => drop(never()),
        "left-behind" => left_behind()?,
        other => panic!("no scenario {other:?}"),
    }
    lifecycle::stopping().await;
    Ok(())
}

/// So many calls at once, of which those with other numbers go on for ever.
async fn crowd(calls: u32, every: u32, rounds: u32) {
    for number in 0..calls {
        let rounds = if number % every == 7 { rounds } else { u32::MAX };
        tokio::spawn(serve(rounds));
    }
}

/// Calls that are dropped half-way, or panic.
async fn gone() {
    feeds(1).await;
    for _ in 0..200 {
        let call = tokio::spawn(serve(u32::MAX));
        let failed = tokio::spawn(panics());
        let _ = tokio::time::timeout(Duration::from_millis(1), poll_feed(true)).await;
        call.abort();
        assert!(call.await.is_err() && failed.await.is_err());
    }
    println!("gone");
}

/// The first run leaves a call behind; the second goes on.
fn left_behind() -> Result<(), String> {
    static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let is_first = BEGUN.get().is_none();
    BEGUN.get_or_init(Instant::now);
    if is_first {
        crunching(true);
        std::thread::sleep(Duration::from_millis(100));
        return Err("the first run fails".to_owned());
    }
    println!("again");
    crunching(false);
    Ok(())
}
