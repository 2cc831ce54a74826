//! Tasks that end main by their own end, and work that a stop must not cut; the first argument picks a scenario.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Context;
use lifecycle::{Heartbeat, permanent, retry_after};
use tokio::sync::mpsc::{self, Receiver, Sender};

static FEED: Heartbeat = Heartbeat::new("feed", Duration::from_secs(2));

static IS_STOPPED: AtomicBool = AtomicBool::new(false);

/// The sending half of a channel that is closed some time before the task that owns it has ended.
struct ClosesEarly(Option<Sender<()>>);

impl Drop for ClosesEarly {
    fn drop(&mut self) {
        self.0.take();
        std::thread::sleep(Duration::from_millis(5));
    }
}

async fn millis(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Main reads it until it is closed.
fn feed(error: impl Fn() -> anyhow::Error + Send + 'static) -> Receiver<()> {
    let (sender, receiver) = mpsc::channel(1);
    let sender = ClosesEarly(Some(sender));
    lifecycle::spawn("feed", async move {
        let _sender = sender;
        millis(20).await;
        Err::<(), _>(error())
    });
    receiver
}

fn lost() -> anyhow::Error {
    anyhow::anyhow!("feed lost")
}

/// Fails because it was told to stop.
fn stops_badly() -> Receiver<()> {
    let (sender, receiver) = mpsc::channel(1);
    lifecycle::spawn("feed", async move {
        millis(20).await;
        drop(sender);
        lifecycle::stopping().await;
        anyhow::bail!("stopped halfway")
    });
    receiver
}

/// Neither of them asks whether it is to stop.
async fn settles() {
    lifecycle::spawn("settlement", async {
        let busy = lifecycle::busy("order 7");
        println!("up");
        millis(500).await;
        println!("settled");
        drop(busy);
        std::future::pending::<()>().await;
    });
    lifecycle::stopping().await;
}

/// The only worker is busy until the drain has begun, and a moment longer.
async fn spawns_late() {
    lifecycle::spawn("busy", async {
        println!("up");
        while !IS_STOPPED.load(Relaxed) {
            std::hint::spin_loop();
        }
        std::thread::sleep(Duration::from_millis(10));
    });
    lifecycle::spawn("late", async {
        lifecycle::stopping().await;
        millis(1).await;
        println!("late ends");
    });
    lifecycle::stopping().await;
}

struct Feed;

impl Feed {
    /// Its first call fails, and the next one begins later than its heartbeat could wait.
    #[lifecycle::task(restart(max_restarts = 2, within = "1m", wait = "10ms", max_wait = "20ms"))]
    async fn run(&self) -> Result<(), lifecycle::Failure> {
        static WAS_CALLED: AtomicBool = AtomicBool::new(false);
        FEED.beat();
        if !WAS_CALLED.swap(true, Relaxed) {
            let wait = if scenario() == "shares" { 60 } else { 6 };
            return Err(retry_after(lost(), Duration::from_secs(wait)));
        }
        println!("again");
        if scenario() == "rests-then-hangs" {
            tokio::sync::Notify::new().notified().await; // hangs
        }
        while lifecycle::is_running() {
            FEED.beat();
            millis(20).await;
        }
        Ok(())
    }
}

/// Beats the heartbeat of the feed, too, until it hangs.
async fn also_beats() {
    for _ in 0..100 {
        FEED.beat();
        millis(20).await;
    }
    println!("hangs");
    std::future::pending::<()>().await;
}

struct State;

impl State {
    #[lifecycle::component(phase = "stop")]
    fn halt(&self) {
        IS_STOPPED.store(true, Relaxed);
    }

    #[lifecycle::component(phase = "persist")]
    fn flush(&self) {
        println!("flushed");
    }
}

fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

#[lifecycle::main]
async fn main() -> anyhow::Result<()> {
    let _state = lifecycle::manage(State);
    println!("main");
    match scenario().as_str() {
        "returns" => while feed(lost).recv().await.is_some() {},
        "fails" => feed(lost).recv().await.context("no feed")?,
        "panics" => feed(lost).recv().await.expect("a feed"),
        "permanent" => feed(|| permanent(lost()).into()).recv().await.context("no feed")?,
        "stops-badly" => while stops_badly().recv().await.is_some() {},
        "settles" => settles().await,
        "spawns-late" => spawns_late().await,
        _ => {
            let _feed = lifecycle::manage(Feed);
            if scenario() == "shares" {
                tokio::spawn(also_beats());
            }
            lifecycle::stopping().await;
        }
    }
    Ok(())
}
