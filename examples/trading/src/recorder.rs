//! Keeps every tick: buffered on the way, in the database when the service ends.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::database::DatabaseManager;
use crate::exchange::Bar;

const BATCH: usize = 64;

pub(crate) struct Recorder {
    database: Arc<DatabaseManager>,
    buffer: Mutex<Buffer>,
}

#[derive(Default)]
struct Buffer {
    bars: Vec<Bar>,
    statistics: Statistics,
}

pub(crate) struct Statistics {
    pub(crate) ticks: i64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Recorder {
    pub(crate) fn new(database: &Arc<DatabaseManager>) -> Self {
        Self { database: Arc::clone(database), buffer: Mutex::default() }
    }

    /// What is accepted here is in the database when the service has ended, whatever ends it in order.
    pub(crate) async fn accept(&self, bar: Bar) -> anyhow::Result<()> {
        let mut buffer = self.buffer.lock().await;
        buffer.statistics.add(&bar);
        buffer.bars.push(bar);
        if buffer.bars.len() >= BATCH {
            self.write(&mut buffer).await?;
        }
        Ok(())
    }

    #[lifecycle::component(phase = "persist", timeout = "10s")]
    async fn flush(&self) -> anyhow::Result<()> {
        let mut buffer = self.buffer.lock().await;
        if !buffer.bars.is_empty() {
            self.write(&mut buffer).await?;
        }
        tracing::info!("all {} ticks are written", buffer.statistics.ticks);
        Ok(())
    }

    async fn write(&self, buffer: &mut Buffer) -> anyhow::Result<()> {
        self.database.record(&buffer.bars, &buffer.statistics).await?;
        // Only now: until the commit is known, the buffer is the only place that has them.
        buffer.bars.clear();
        Ok(())
    }
}

impl Statistics {
    fn add(&mut self, bar: &Bar) {
        self.ticks += 1;
        self.lowest = self.lowest.min(bar.low);
        self.highest = self.highest.max(bar.high);
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self { ticks: 0, lowest: f64::INFINITY, highest: f64::NEG_INFINITY }
    }
}
