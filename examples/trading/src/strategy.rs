//! Trades the crossing of two moving averages, on paper: stopped first, and then nothing is ordered any more.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::account::{Account, Order};
use crate::database::DatabaseManager;
use crate::exchange::Bar;
use crate::snapshot::RedisManager;
use crate::summary::Summary;

pub(crate) struct Strategy {
    database: Arc<DatabaseManager>,
    snapshots: Arc<RedisManager>,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    account: Account,
    pending: Option<Order>,
    summary: Summary,
}

impl Strategy {
    pub(crate) fn new(
        account: Account,
        database: &Arc<DatabaseManager>,
        snapshots: &Arc<RedisManager>,
    ) -> Self {
        Self {
            database: Arc::clone(database),
            snapshots: Arc::clone(snapshots),
            book: Mutex::new(Book { account, ..Book::default() }),
        }
    }

    pub(crate) async fn trade(&self, bar: &Bar) -> anyhow::Result<()> {
        let mut book = self.book.lock().await;
        if let Some(order) = book.pending.clone() {
            let fill = book.account.price(&order, bar.open);
            self.database.fill(&order, &fill).await?;
            book.account.apply(&order, fill);
            book.pending = None;
            book.summary.fills += 1;
        }
        let Book { account, summary, .. } = &mut *book;
        summary.add(bar, |price| account.equity(price));
        // Asked under the lock that `stop` takes: an order is either placed before it or not at all.
        if let Some(order) = book.account.see(bar)
            && lifecycle::is_running()
        {
            self.database.place(&order).await?;
            book.pending = Some(order);
            book.summary.orders += 1;
        }
        Ok(())
    }

    pub(crate) async fn summary(&self) -> Summary {
        self.book.lock().await.summary.clone()
    }

    /// Waits for an order that is on its way, and takes back the one that is not filled yet.
    #[lifecycle::component(phase = "stop")]
    async fn stop(&self) -> anyhow::Result<()> {
        let mut book = self.book.lock().await;
        if let Some(order) = book.pending.take() {
            self.database.cancel(&order).await?;
        }
        self.database.stop_trading(book.summary.profit()).await?;
        tracing::info!("trading has stopped");
        Ok(())
    }

    /// After every tick, and once more at the end: the tick that was running may have gone on after `stop`.
    #[lifecycle::component(phase = "persist")]
    pub(crate) async fn save(&self) -> anyhow::Result<()> {
        let account = self.book.lock().await.account.clone();
        self.snapshots.save(&account).await
    }
}
