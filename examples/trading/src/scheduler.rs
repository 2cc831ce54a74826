//! The heart of the service: one tick after the other, until it is told to stop.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::sync::mpsc;

use crate::progress::Progress;
use crate::strategy::Strategy;
use crate::websocket::News;

pub(crate) struct UnifiedScheduler {
    pub(crate) news: mpsc::Receiver<News>,
    pub(crate) strategy: Arc<Strategy>,
    pub(crate) progress: Progress,
    pub(crate) misbehave: Misbehave,
    pub(crate) ticks: u64,
}

/// For those who want to see a failure.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Misbehave {
    /// Fail at the Nth tick of every run: watch the restarts, and .restart_count
    #[arg(long, value_name = "N")]
    crash_after: Option<u64>,
    /// Hang at the Nth tick: watch the watchdog (LIFECYCLE_WATCHDOG_TIMEOUT=5s makes it hurry)
    #[arg(long, value_name = "N")]
    hang_after: Option<u64>,
    /// Let the exchange fall silent after N days of every connection, without hanging up: watch the feed come back
    #[arg(long, value_name = "N")]
    pub(crate) mute_after: Option<u64>,
    /// Let the exchange answer 429 after N logins, for 2 s: watch what the service waits for
    #[arg(long, value_name = "N")]
    pub(crate) max_logins: Option<u32>,
}

impl UnifiedScheduler {
    /// Returns when the feed or the service ends.
    pub(crate) async fn run(mut self, pace: Duration) -> anyhow::Result<()> {
        let mut clock = tokio::time::interval(pace);
        while lifecycle::is_running() {
            tokio::select! {
                _ = clock.tick() => {}
                () = lifecycle::stopping() => break,
            }
            if self.tick().await?.is_break() {
                break;
            }
        }
        Ok(())
    }

    #[lifecycle::heartbeat]
    async fn tick(&mut self) -> anyhow::Result<ControlFlow<()>> {
        self.ticks += 1;
        if self.misbehave.crash_after == Some(self.ticks) {
            bail!("crashed at tick {}, as --crash-after said", self.ticks);
        }
        if self.misbehave.hang_after == Some(self.ticks) {
            reply_that_never_comes().await;
        }
        // What is here; more is not waited for: a quiet market must not look like a hang.
        while let Ok(news) = self.news.try_recv() {
            let News::Day(bar) = news else { return Ok(ControlFlow::Break(())) };
            self.strategy.trade(&bar).await?;
            self.progress.show(&bar);
        }
        Ok(ControlFlow::Continue(()))
    }
}

async fn reply_that_never_comes() {
    tracing::warn!("hanging, as --hang-after said");
    let (_exchange, reply) = tokio::sync::oneshot::channel::<()>();
    let _ = reply.await;
}
