//! The moment at which the process is gone, whatever happens; armed by the first signal itself.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use lifecycle_os::failsafe_timer::FailsafeTimer;

use crate::os::clock::{monotonic_ns, nanos};

struct Deadline {
    /// Nanoseconds on the monotonic clock; 0 is never.
    at: AtomicU64,
    /// What a shutdown may take at most, until the configuration says otherwise.
    budget: AtomicU64,
    /// The kernel's own timer, should the watchdog's thread be blocked, too: by a stderr on a disk that does not respond.
    failsafe: FailsafeTimer,
}

/// Process-wide: the signal handler arms it.
static DEADLINE: Deadline = Deadline {
    at: AtomicU64::new(0),
    budget: AtomicU64::new(26_000_000_000),
    failsafe: FailsafeTimer::new(
        "ERROR lifecycle: the shutdown is overdue: the process ends now with exit code 1",
    ),
};

/// The watchdog comes first: it names the hooks that still run.
const FAILSAFE_DELAY: Duration = Duration::from_millis(250);

/// From now on a shutdown may take so long.
pub(crate) fn set_budget(budget: Duration) {
    DEADLINE.budget.store(nanos(budget), Relaxed);
    DEADLINE.failsafe.prepare();
}

/// Arms the deadline, unless it is armed: false then. A signal handler may call it.
pub(crate) fn arm() -> bool {
    let budget = DEADLINE.budget.load(Relaxed);
    let at = monotonic_ns().saturating_add(budget);
    // The first moment of a shutdown counts; a second signal changes nothing.
    let armed = DEADLINE.at.compare_exchange(0, at, AcqRel, Relaxed).is_ok();
    if armed {
        DEADLINE.failsafe.arm(Duration::from_nanos(budget).saturating_add(FAILSAFE_DELAY));
    }
    armed
}

/// The shutdown is over, and main runs again.
pub(crate) fn disarm() {
    DEADLINE.at.store(0, Release);
    DEADLINE.failsafe.disarm();
}

/// Time to the deadline, if it is armed.
pub(crate) fn left() -> Option<Duration> {
    let at = DEADLINE.at.load(Acquire);
    (at > 0).then(|| Duration::from_nanos(at.saturating_sub(monotonic_ns())))
}

/// In `timeout`, but well before the deadline.
pub(crate) fn soon(timeout: Duration) -> Instant {
    let left = left().unwrap_or(timeout).saturating_sub(Duration::from_millis(100));
    Instant::now() + timeout.min(left)
}
