//! The moment at which the process is gone, whatever happens; armed by the first signal itself.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

/// Nanoseconds on `now`'s clock; 0 is never.
static DEADLINE: AtomicU64 = AtomicU64::new(0);

/// What a shutdown may take at most, until the configuration says otherwise.
static BUDGET: AtomicU64 = AtomicU64::new(26_000_000_000);

/// From now on a shutdown may take so long.
pub(crate) fn set_budget(budget: Duration) {
    BUDGET.store(nanos(budget), Relaxed);
}

/// Arms the deadline, unless it is armed. Atomics and `clock_gettime` only: a signal handler may call it.
pub(crate) fn arm() {
    let at = now().saturating_add(BUDGET.load(Relaxed));
    // The first moment of a shutdown counts; a second signal changes nothing.
    let _ = DEADLINE.compare_exchange(0, at, AcqRel, Relaxed);
}

/// The shutdown is over, and main runs again.
pub(crate) fn disarm() {
    DEADLINE.store(0, Release);
}

/// Time to the deadline, if it is armed.
pub(super) fn left() -> Option<Duration> {
    let at = DEADLINE.load(Acquire);
    (at > 0).then(|| Duration::from_nanos(at.saturating_sub(now())))
}

/// In `patience`, but well before the deadline.
pub(crate) fn soon(patience: Duration) -> Instant {
    let left = left().unwrap_or(patience).saturating_sub(Duration::from_millis(100));
    Instant::now() + patience.min(left)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds on a clock that only goes forward; async-signal-safe.
#[cfg(unix)]
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid timespec; async-signal-safe by POSIX.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

#[cfg(not(unix))]
pub(crate) fn now() -> u64 {
    use std::sync::OnceLock;
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    nanos(EPOCH.get_or_init(Instant::now).elapsed()).max(1)
}
