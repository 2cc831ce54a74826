//! The moment at which the process is gone, whatever happens; armed by the first signal itself.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use lifecycle_os::failsafe_timer::FailsafeTimer;

use crate::os::clock::{monotonic_ns, nanos};

/// Nanoseconds on the monotonic clock; 0 is never.
static DEADLINE: AtomicU64 = AtomicU64::new(0);

/// What a shutdown may take at most, until the configuration says otherwise.
static BUDGET: AtomicU64 = AtomicU64::new(26_000_000_000);

/// The kernel's own timer, should the watchdog's thread be blocked, too: by a stderr on a disk that does not respond.
static FAILSAFE: FailsafeTimer =
    FailsafeTimer::new("ERROR lifecycle: the shutdown is overdue: the process ends now with exit code 1");

/// The watchdog comes first: it names the hooks that still run.
const FAILSAFE_DELAY: Duration = Duration::from_millis(250);

/// From now on a shutdown may take so long.
pub(crate) fn set_budget(budget: Duration) {
    BUDGET.store(nanos(budget), Relaxed);
    FAILSAFE.prepare();
}

/// Arms the deadline, unless it is armed: false then. A signal handler may call it.
pub(crate) fn arm() -> bool {
    let budget = BUDGET.load(Relaxed);
    let at = monotonic_ns().saturating_add(budget);
    // The first moment of a shutdown counts; a second signal changes nothing.
    let armed = DEADLINE.compare_exchange(0, at, AcqRel, Relaxed).is_ok();
    if armed {
        FAILSAFE.arm(Duration::from_nanos(budget).saturating_add(FAILSAFE_DELAY));
    }
    armed
}

/// The shutdown is over, and main runs again.
pub(crate) fn disarm() {
    DEADLINE.store(0, Release);
    FAILSAFE.disarm();
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
