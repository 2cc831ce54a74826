//! Clocks that nobody can set. They may be read while the process is broken, and in a signal handler.

use std::fmt;
use std::time::Duration;

/// How long something has taken, if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub Option<Duration>);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(age) => write!(f, "{:.1} s", age.as_secs_f64()),
            None => f.write_str("an unknown time"),
        }
    }
}

#[cfg(unix)]
fn read(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid timespec; async-signal-safe by POSIX.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Nanoseconds on a clock that only goes forward; never 0.
#[cfg(unix)]
#[must_use]
pub fn monotonic_ns() -> u64 {
    nanos(read(libc::CLOCK_MONOTONIC)).max(1)
}

/// Nanoseconds on a clock that only goes forward; never 0.
#[cfg(not(unix))]
#[must_use]
pub fn monotonic_ns() -> u64 {
    static EPOCH: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    nanos(EPOCH.get_or_init(std::time::Instant::now).elapsed()).max(1)
}

/// Saturates after 584 years.
#[must_use]
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Saturates after 584 million years.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since the machine was started, with its sleep; zero where that is not known.
#[cfg(target_os = "linux")]
#[must_use]
pub fn since_boot_ms() -> u64 {
    millis(read(libc::CLOCK_BOOTTIME))
}

/// Milliseconds since the machine was started, with its sleep; zero where that is not known.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn since_boot_ms() -> u64 {
    0
}
