//! `lifecycle`: hooks are methods, called when it stops; nothing runs before.

use super::Times;
use super::crowd::{Ready, Yields};

pub(super) async fn ready(count: usize) -> Times {
    let mut times = Times::begin();
    let manager = lifecycle::LifecycleManager::new();
    for number in 0..count {
        manager.manage(Ready(number));
    }
    times.started();
    let report = manager.stop("measured").await;
    times.stopped();
    assert!(report.is_success(), "{}", report.exit_code());
    times
}

pub(super) async fn yields(count: usize) -> Times {
    let mut times = Times::begin();
    let manager = lifecycle::LifecycleManager::new();
    for number in 0..count {
        manager.manage(Yields(number));
    }
    times.started();
    let report = manager.stop("measured").await;
    times.stopped();
    assert!(report.is_success(), "{}", report.exit_code());
    times
}
