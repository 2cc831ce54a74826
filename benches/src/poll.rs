//! Part g: what it costs that reports know the tasks of `lifecycle::spawn`.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::table::{Table, at_most, median};

const POLLS: u32 = 200_000;
const SAMPLES: usize = 21;

/// Is polled so often, with nothing to do but to be polled again.
async fn polls() {
    for _ in 0..POLLS {
        let mut is_second = false;
        poll_fn(|context| {
            if std::mem::replace(&mut is_second, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Nanoseconds a poll, with tokio's own way from wake to poll.
fn nanos(runtime: &Runtime, is_tracked: bool) -> f64 {
    runtime.block_on(async {
        let (done, ended) = oneshot::channel();
        let task = async {
            let begun = Instant::now();
            polls().await;
            // The receiver waits for it.
            let _ = done.send(begun.elapsed());
        };
        if is_tracked {
            lifecycle::spawn("measured", task);
        } else {
            tokio::spawn(task);
        }
        ended.await.expect("it ends").as_nanos() as f64 / f64::from(POLLS)
    })
}

pub(crate) fn section() -> String {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let mut samples = [Vec::new(), Vec::new()];
    for _ in 0..SAMPLES {
        samples[0].push(nanos(&runtime, false));
        samples[1].push(nanos(&runtime, true));
    }
    let [plain, tracked] = samples.map(|samples| median(&samples));
    let mut table = Table::new(["ns from wake to wake", "a poll", "above `tokio::spawn`"]);
    table.row(&["`tokio::spawn`".to_owned(), format!("{plain:.1}"), "0.0".to_owned()]);
    table.row(&[
        "**`lifecycle::spawn`**".to_owned(),
        format!("{tracked:.1}"),
        format!("{:.1}", tracked - plain),
    ]);
    format!(
        "## g. One poll of a tracked task\n\n\
         A task that wakes itself and is polled again, on a current-thread runtime; {SAMPLES} samples of {POLLS} polls, in turn.\n\n\
         {table}\n{}",
        at_most("ns of a poll above one of `tokio::spawn`", 5.0, tracked - plain, ""),
    )
}
