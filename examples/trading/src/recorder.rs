//! Keeps every tick and trade: buffered on the way, committed in batches, all of it when the service ends.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::account::{Account, Fill, Order};
use crate::batch::{BATCH, Batch, Stop};
use crate::database::DatabaseManager;
use crate::exchange::Bar;
use crate::snapshot::RedisManager;

pub(crate) struct Recorder {
    database: Arc<DatabaseManager>,
    snapshots: Arc<RedisManager>,
    batch: Mutex<Batch>,
}

impl Recorder {
    pub(crate) fn new(database: &Arc<DatabaseManager>, snapshots: &Arc<RedisManager>) -> Self {
        Self { database: Arc::clone(database), snapshots: Arc::clone(snapshots), batch: Mutex::default() }
    }

    /// A day, its trades, and the account after it: none is ever kept without the others.
    pub(crate) async fn accept(
        &self,
        bar: Bar,
        (fill, order): (Option<Fill>, Option<Order>),
        account: Account,
    ) -> anyhow::Result<()> {
        let mut batch = self.batch.lock().await;
        // A real order would go to the market next: it must be durable before that.
        let ordered = order.is_some();
        batch.bars.push(bar);
        batch.fills.extend(fill);
        batch.orders.extend(order);
        batch.account = Some(account);
        if ordered || batch.bars.len() >= BATCH {
            self.write(&mut batch).await?;
        }
        Ok(())
    }

    /// The end of the run, for `flush` to write.
    pub(crate) async fn accept_stop(&self, stop: Stop, account: Account) {
        let mut batch = self.batch.lock().await;
        batch.stop = Some(stop);
        batch.account = Some(account);
    }

    #[lifecycle::component(phase = "persist", timeout = "10s")]
    async fn flush(&self) -> anyhow::Result<()> {
        self.write(&mut *self.batch.lock().await).await?;
        tracing::info!("all ticks are written");
        Ok(())
    }

    async fn write(&self, batch: &mut Batch) -> anyhow::Result<()> {
        self.database.commit(batch).await?;
        // Not before the commit has succeeded: `flush` tries again with what is left here.
        let written = std::mem::take(batch);
        if let Some(account) = &written.account {
            self.snapshots.publish(account).await;
        }
        Ok(())
    }
}
