//! Trades the crossing of two moving averages, on paper: stopped first, and then nothing is ordered any more.

use std::sync::Arc;

use anyhow::ensure;
use tokio::sync::Mutex;

use crate::account::Account;
use crate::batch::Stop;
use crate::database::now_us;
use crate::exchange::Bar;
use crate::recorder::Recorder;
use crate::summary::Summary;

pub(crate) struct Strategy {
    recorder: Arc<Recorder>,
    book: Mutex<Book>,
}

struct Book {
    account: Account,
    summary: Summary,
}

impl Strategy {
    pub(crate) fn new(account: Account, recorder: &Arc<Recorder>) -> Self {
        let book = Mutex::new(Book { account, summary: Summary::default() });
        Self { recorder: Arc::clone(recorder), book }
    }

    pub(crate) async fn trade(&self, bar: &Bar) -> anyhow::Result<()> {
        let mut book = self.book.lock().await;
        let Book { account, summary } = &mut *book;
        // Checked under the lock that `stop` takes: a day is either traded before it or left to the next run.
        if !lifecycle::is_running() {
            return Ok(());
        }
        // A gap would last for ever; after a restart, the exchange sends the missing days.
        ensure!(bar.seq == account.next, "expected day {}, received day {}", account.next, bar.seq);
        let (fill, order) = account.trade(bar, now_us());
        summary.add(bar, |price| account.equity(price));
        summary.fills += u64::from(fill.is_some());
        summary.orders += u64::from(order.is_some());
        self.recorder.accept(bar.clone(), (fill, order), account.clone()).await
    }

    pub(crate) async fn summary(&self) -> Summary {
        self.book.lock().await.summary.clone()
    }

    /// Waits for the day that is under way, and takes back the order that is not filled yet.
    #[lifecycle::component(phase = "stop")]
    async fn stop(&self) {
        let mut book = self.book.lock().await;
        let (profit, cancelled) = (book.summary.profit(), book.account.cancel());
        let stop = Stop { stopped_us: now_us(), profit, cancelled };
        self.recorder.accept_stop(stop, book.account.clone()).await;
        tracing::info!("trading has stopped");
    }
}
