//! tokio-graceful, as its example `tokio_tcp` says; it knows no order, so what comes later is closed behind its end.

use std::process::ExitCode;

use tokio_graceful::{Shutdown, ShutdownGuard};

use super::trouble::{Database, Feed, Trouble};

async fn feed(guard: ShutdownGuard, feed: Feed) {
    guard.cancelled().await;
    if let Err(error) = feed.close().await {
        tracing::warn!("feed: {error}");
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    super::log();
    let trouble = Trouble::asked();
    let shutdown = Shutdown::default();
    for _ in 0..trouble.feeds() {
        shutdown.spawn_task_fn(move |guard| feed(guard, Feed(trouble)));
    }
    println!("up");
    match shutdown.shutdown_with_limit(super::BUDGET).await {
        Ok(elapsed) => tracing::info!("shutdown: gracefully {}s after signal", elapsed.as_secs_f64()),
        Err(error) => tracing::warn!("shutdown: forcefully due to timeout: {error}"),
    }
    Database.close().await;
}

pub(super) fn run() -> ExitCode {
    main();
    ExitCode::SUCCESS
}
