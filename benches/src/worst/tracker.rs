//! tokio-util's `TaskTracker` and `CancellationToken`, as the tracker's documentation and tokio's page on shutdown say.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::trouble::{Database, Feed, Trouble};

async fn feed(token: CancellationToken, feed: Feed) {
    token.cancelled().await;
    if let Err(error) = feed.close().await {
        tracing::warn!("feed: {error}");
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    super::log();
    let trouble = Trouble::asked();
    let tracker = TaskTracker::new();
    let token = CancellationToken::new();
    for _ in 0..trouble.feeds() {
        tracker.spawn(feed(token.clone(), Feed(trouble)));
    }
    let mut terminate = signal(SignalKind::terminate()).expect("a handler");
    println!("up");
    terminate.recv().await;
    tracker.close();
    token.cancel();
    if tokio::time::timeout(super::BUDGET, tracker.wait()).await.is_err() {
        tracing::warn!("some tasks have not ended in time");
    }
    Database.close().await;
}

pub(super) fn run() -> ExitCode {
    main();
    ExitCode::SUCCESS
}
