//! Clocks: wall, boot and monotonic. The last two may be read while the process is broken, and in a signal handler.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) use lifecycle_os::clock::{millis, monotonic_ns, nanos, since_boot_ms};
use serde::{Deserialize, Serialize};

use super::wakeup::Wakeup;

/// The clock of a run, and how its shutdown waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// Waits block the thread.
    Real,
    /// tokio's, of a test whose one thread runs everything: waits are timers. Where time is paused they fire once nothing
    /// else has anything to do.
    #[cfg(feature = "test")]
    Tokio,
}

impl Clock {
    pub(crate) fn now(self) -> Instant {
        match self {
            Clock::Real => Instant::now(),
            #[cfg(feature = "test")]
            Clock::Tokio => tokio::time::Instant::now().into_std(),
        }
    }

    /// Returns once `wakeup` was notified since the last call, or after `timeout`; sometimes early. Pending only by tokio's
    /// clock.
    pub(crate) async fn wait(self, wakeup: &Wakeup, timeout: Duration) {
        match self {
            Clock::Real => wakeup.wait(Some(timeout)),
            #[cfg(feature = "test")]
            Clock::Tokio => drop(tokio::time::timeout(timeout, wakeup.notified()).await),
        }
    }
}

/// A moment, on the wall clock and, where the system has one, on a clock that nobody can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// RFC 3339, in UTC.
    #[serde(with = "wall")]
    pub(crate) at: SystemTime,
    /// Which boot of the machine: `since_boot_ms` of two moments compares only within one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boot: Option<String>,
    /// CLOCK_BOOTTIME: goes on while the machine sleeps.
    #[serde(default)]
    pub(crate) since_boot_ms: u64,
}

mod wall {
    pub(super) use crate::model::time::{as_rfc3339 as serialize, from_rfc3339 as deserialize};
}

impl Moment {
    pub(crate) fn now() -> Moment {
        // humantime cannot print a year beyond 9999, nor one before 1970: a clock there is a broken clock.
        let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        let at = SystemTime::now().clamp(UNIX_EPOCH, last);
        Moment { at, boot: boot_id(), since_boot_ms: since_boot_ms() }
    }

    /// Whether it is in the boot of this number.
    pub(crate) fn is_in_boot(&self, number: u64) -> bool {
        number_of(self.boot.as_deref()) == number
    }

    /// A moment of this boot that lies before this one, by the clock that nobody can set; `None` if it does not.
    pub(crate) fn earlier(&self, since_boot_ms: u64) -> Option<Moment> {
        self.boot.as_ref()?;
        let ago = Duration::from_millis(self.since_boot_ms.checked_sub(since_boot_ms)?);
        Some(Moment { at: self.at.checked_sub(ago)?.max(UNIX_EPOCH), boot: self.boot.clone(), since_boot_ms })
    }

    /// Time from `earlier` to this; zero if a clock says that it lies in the future.
    pub(crate) fn since(&self, earlier: &Moment) -> Duration {
        self.checked_since(earlier).unwrap_or_default()
    }

    /// As `since`; `None` if a clock says that `earlier` lies in the future.
    pub(crate) fn checked_since(&self, earlier: &Moment) -> Option<Duration> {
        if self.boot.is_some() && self.boot == earlier.boot {
            return self.since_boot_ms.checked_sub(earlier.since_boot_ms).map(Duration::from_millis);
        }
        self.at.duration_since(earlier.at).ok()
    }
}

/// Which boot of the machine, as a number; zero is not known.
pub(crate) fn boot_number() -> u64 {
    number_of(boot_id().as_deref())
}

fn number_of(boot: Option<&str>) -> u64 {
    let digits: String = boot.unwrap_or_default().chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).unwrap_or(0)
}

/// Milliseconds of the watchdog's ticks, each credited with its own length at most. Process-wide, as its thread is, which
/// alone stores it.
static TICKED: AtomicU64 = AtomicU64::new(0);

/// The time as polls are stamped with it: reading it costs one load. It stands while nothing is judged; 0 without a watchdog.
#[inline]
pub(crate) fn ticked() -> u64 {
    TICKED.load(Relaxed)
}

pub(crate) fn set_ticked(ticked: Duration) {
    TICKED.store(millis(ticked), Relaxed);
}

#[cfg(target_os = "linux")]
fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

#[cfg(not(target_os = "linux"))]
fn boot_id() -> Option<String> {
    None
}
