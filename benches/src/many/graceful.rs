//! tokio-graceful: a task each, with a guard; stopped by a signal of our own, as its documentation allows.

use std::time::Duration;

use tokio_graceful::Shutdown;

use super::Times;
use super::crowd::{Component, all_started, started};

pub(super) async fn run<C: Component>(count: usize) -> Times {
    let mut times = Times::begin();
    let (stop, signal) = tokio::sync::oneshot::channel::<()>();
    let shutdown = Shutdown::new(signal);
    for number in 0..count {
        let component = C::new(number);
        shutdown.spawn_task_fn(move |guard| async move {
            started(count);
            guard.cancelled().await;
            component.close().await;
        });
    }
    all_started().await;
    times.started();
    stop.send(()).expect("it listens");
    shutdown.shutdown_with_limit(Duration::from_secs(25)).await.expect("it is in time");
    times.stopped();
    times
}
