//! CLOCK_MONOTONIC as a number: the one clock that a service and its parent share.

use std::sync::OnceLock;

static ENTERED: OnceLock<u64> = OnceLock::new();

/// Nanoseconds since some moment that is the same for every process.
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid timespec; this clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).expect("it counts from the boot")
}

/// When the process's own `fn main` began, before any attribute's.
pub(crate) fn entered() -> u64 {
    *ENTERED.get_or_init(now)
}
