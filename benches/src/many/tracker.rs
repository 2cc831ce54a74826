//! tokio-util's `TaskTracker` and `CancellationToken`: a task each; as in its documentation, another task asks them to stop.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Times;
use super::crowd::{Component, all_started, started};

pub(super) async fn run<C: Component>(count: usize) -> Times {
    let mut times = Times::begin();
    let tracker = TaskTracker::new();
    let token = CancellationToken::new();
    for number in 0..count {
        let token = token.clone();
        let component = C::new(number);
        tracker.spawn(async move {
            started(count);
            token.cancelled().await;
            component.close().await;
        });
    }
    all_started().await;
    times.started();
    {
        let tracker = tracker.clone();
        tokio::spawn(async move {
            tracker.close();
            token.cancel();
        });
    }
    tracker.wait().await;
    times.stopped();
    times
}
