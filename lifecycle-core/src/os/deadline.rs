//! The moment at which the process is gone, whatever happens; armed by the first signal itself.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use crate::os::clock::{monotonic_ns, nanos};

/// Nanoseconds on the monotonic clock; 0 is never.
static DEADLINE: AtomicU64 = AtomicU64::new(0);

/// What a shutdown may take at most, until the configuration says otherwise.
static BUDGET: AtomicU64 = AtomicU64::new(26_000_000_000);

/// From now on a shutdown may take so long.
pub(crate) fn set_budget(budget: Duration) {
    BUDGET.store(nanos(budget), Relaxed);
}

/// Arms the deadline, unless it is armed: false then. Atomics and `clock_gettime` only: a signal handler may call it.
pub(crate) fn arm() -> bool {
    let at = monotonic_ns().saturating_add(BUDGET.load(Relaxed));
    // The first moment of a shutdown counts; a second signal changes nothing.
    DEADLINE.compare_exchange(0, at, AcqRel, Relaxed).is_ok()
}

/// The shutdown is over, and main runs again.
pub(crate) fn disarm() {
    DEADLINE.store(0, Release);
}

/// Time to the deadline, if it is armed.
pub(crate) fn left() -> Option<Duration> {
    let at = DEADLINE.load(Acquire);
    (at > 0).then(|| Duration::from_nanos(at.saturating_sub(monotonic_ns())))
}

/// In `patience`, but well before the deadline.
pub(crate) fn soon(patience: Duration) -> Instant {
    let left = left().unwrap_or(patience).saturating_sub(Duration::from_millis(100));
    Instant::now() + patience.min(left)
}
