//! What probes are answered: from flags, which no frozen runtime holds up.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::manager::LifecycleManager;
use super::{on_hang, status};
use crate::probes::Source;
use crate::watchdog;

/// Process-wide: a platform asks until it has started once, and never again.
static HAS_STARTED: AtomicBool = AtomicBool::new(false);

pub(super) const SOURCE: Source = Source {
    is_live,
    is_ready,
    has_started,
    runs,
    status: || LifecycleManager::global().status(),
    plan: || LifecycleManager::global().plan(),
    #[cfg(feature = "http")]
    history: || {
        let manager = LifecycleManager::global();
        manager.inner.past.history(&manager.current_run())
    },
    #[cfg(feature = "http")]
    hang_report: crate::hang::last_report::text,
};

/// The service is up, for the first time or again.
pub(super) fn started() {
    HAS_STARTED.store(true, Relaxed);
}

/// A service that starts, waits or stops is alive.
fn is_live() -> bool {
    on_hang::expired().is_none() && watchdog::is_fresh()
}

fn is_ready() -> bool {
    let manager = LifecycleManager::global();
    let run = manager.current_run();
    let is_ready =
        manager.backing_off().is_none() && run.cause().is_none() && status::is_up(&run, manager.readiness());
    if is_ready {
        started();
    }
    is_ready
}

fn has_started() -> bool {
    HAS_STARTED.load(Relaxed) || is_ready()
}

fn runs() -> u32 {
    LifecycleManager::global().current_run().generation().unwrap_or(0)
}
