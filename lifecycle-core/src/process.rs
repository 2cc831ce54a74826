//! Which process, and which moment: what the ledger needs to know of the operating system.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

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
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, de::Error};

    pub(super) use crate::previous::as_rfc3339 as serialize;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_rfc3339(&text).map_err(D::Error::custom)
    }
}

impl Moment {
    pub(crate) fn now() -> Moment {
        // humantime cannot print a year beyond 9999, nor one before 1970: a clock there is a broken clock.
        let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        let at = SystemTime::now().clamp(UNIX_EPOCH, last);
        Moment { at, boot: imp::boot(), since_boot_ms: imp::since_boot_ms() }
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

/// The clock that nobody can set, in milliseconds; zero where there is none. Async-signal-safe.
#[cfg(unix)]
pub(crate) fn since_boot_ms() -> u64 {
    imp::since_boot_ms()
}

/// A process, told from a later one that was given the same pid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// When the kernel started it, in clock ticks since boot; absent where that cannot be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<u64>,
}

impl Identity {
    pub(crate) fn own() -> Identity {
        let pid = std::process::id();
        Identity { pid, start: imp::start_of(pid) }
    }

    /// Whether the process still lives, in this boot.
    pub(crate) fn is_alive(&self) -> bool {
        if self.start.is_some() { imp::start_of(self.pid) == self.start } else { imp::exists(self.pid) }
    }
}

#[cfg(target_os = "linux")]
mod imp {
    pub(super) fn boot() -> Option<String> {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned())
    }

    pub(super) fn since_boot_ms() -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a valid timespec.
        unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
        u64::try_from(time.tv_sec).unwrap_or(0) * 1000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
    }

    /// Field 22 of `/proc/<pid>/stat`, counted behind the name, which may hold spaces and parentheses.
    /// A zombie is not alive.
    pub(super) fn start_of(pid: u32) -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
        let state = fields.next()?;
        if state == "Z" || state == "X" {
            return None;
        }
        fields.nth(18)?.parse().ok()
    }

    pub(super) fn exists(pid: u32) -> bool {
        start_of(pid).is_some()
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    pub(super) fn boot() -> Option<String> {
        None
    }

    pub(super) fn since_boot_ms() -> u64 {
        0
    }

    pub(super) fn start_of(_: u32) -> Option<u64> {
        None
    }

    #[cfg(unix)]
    pub(super) fn exists(pid: u32) -> bool {
        // SAFETY: signal 0 only asks. EPERM: it lives, and is somebody else's.
        let asked = unsafe { libc::kill(libc::pid_t::try_from(pid).unwrap_or(0), 0) };
        asked == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
    }

    #[cfg(not(unix))]
    pub(super) fn exists(_: u32) -> bool {
        false
    }
}
