//! How the run before this one ended: the answer to "why did it restart?".

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::model::last_seen::LastSeen;
use crate::model::plan::{as_millis, as_optional_millis};
use crate::model::time::{Rounded, as_rfc3339};

/// How the run of main before this one ended, be it in this process or in an earlier one.
///
/// ```
/// if let Some(previous) = lifecycle::status().previous {
///     println!("{previous}"); // previous run (pid 71) was killed 14s ago, up 3m 12s (at …): … probably out of memory
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PreviousRun {
    /// Its process.
    pub pid: u32,
    /// How it ended.
    pub ending: Ending,
    /// When, by the wall clock of that moment: of its end; for a killed process, when the flight recorder last ticked, else
    /// when that was found out; for an unfinished shutdown, of its beginning.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: SystemTime,
    /// How long it had been up by then.
    #[serde(rename = "uptime_ms", serialize_with = "as_millis")]
    pub uptime: Duration,
    /// Which build it was: `id-` and the linker's build id in hexadecimal digits, or `file-` and the executable's inode, size
    /// and time. `None` if it is not known.
    pub build: Option<String>,
    /// Whether that is another build than the one that runs now.
    pub other_build: bool,
    /// Whether its failure was [`permanent`](crate::permanent).
    pub permanent: bool,
    /// The wait that its failure asked for, by [`retry_after`](crate::retry_after).
    #[serde(rename = "retry_after_ms", serialize_with = "as_optional_millis")]
    pub retry_after: Option<Duration>,
    /// What the flight recorder saw last, if the process was killed.
    pub last_seen: Option<LastSeen>,
}

/// How a run ended.
///
/// ```
/// use lifecycle::Ending;
///
/// let alarming = |ending: &Ending| matches!(ending, Ending::Killed | Ending::Crashed(_));
/// assert!(alarming(&Ending::Killed) && !alarming(&Ending::Clean));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ending {
    /// With exit code 0.
    Clean,
    /// It was asked to stop, and was killed before it had.
    Unfinished,
    /// It was asked to stop and did, but this had failed.
    Incomplete(String),
    /// Its process was gone without a word: SIGKILL, out of memory, or power.
    Killed,
    /// It crashed of this: an error, a panic with its place, a fatal signal, or a hang with its heartbeat.
    Crashed(String),
}

impl PreviousRun {
    /// Whether it counts as a crash.
    #[must_use]
    pub fn is_crash(&self) -> bool {
        matches!(self.ending, Ending::Killed | Ending::Crashed(_))
    }
}

impl fmt::Display for PreviousRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ended, when) = match &self.ending {
            Ending::Clean => ("stopped cleanly", "at"),
            Ending::Unfinished => ("was killed in its shutdown", "which began at"),
            Ending::Incomplete(_) => ("stopped with exit code 1", "at"),
            Ending::Killed => ("was killed without a trace", "seen at"),
            Ending::Crashed(_) => ("crashed", "at"),
        };
        let up = Rounded(self.uptime);
        let at = humantime::format_rfc3339_seconds(self.at);
        let build = if self.other_build { ", another build" } else { "" };
        if let Some(seen) = &self.last_seen {
            let (ago, seen_at) = (Rounded(seen.ago), humantime::format_rfc3339_seconds(seen.at));
            let during = if self.ending == Ending::Unfinished { " in its shutdown" } else { "" };
            let pid = self.pid;
            return write!(
                f,
                "previous run (pid {pid}{build}) was killed{during} {ago} ago, up {up} (at {seen_at}): {seen}"
            );
        }
        write!(f, "previous run (pid {}{build}) {ended} after {up} ({when} {at})", self.pid)?;
        if let Ending::Crashed(cause) | Ending::Incomplete(cause) = &self.ending {
            write!(f, ": {cause}")?;
        }
        match self.retry_after {
            _ if self.permanent => f.write_str(" (permanent)"),
            Some(wait) => write!(f, " (retry after {})", Rounded(wait)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_is_one_line() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let of = |ending| PreviousRun {
            pid: 71,
            ending,
            at,
            uptime: Duration::from_millis(192_345),
            build: None,
            other_build: false,
            permanent: false,
            retry_after: None,
            last_seen: None,
        };
        let line = |ending| of(ending).to_string();
        for (ending, expected) in [
            (Ending::Clean, "stopped cleanly after 3m 12s (at 2023-11-14T22:13:20Z)"),
            (
                Ending::Unfinished,
                "was killed in its shutdown after 3m 12s (which began at 2023-11-14T22:13:20Z)",
            ),
            (
                Ending::Incomplete("hook `flush` failed".into()),
                "stopped with exit code 1 after 3m 12s (at 2023-11-14T22:13:20Z): hook `flush` failed",
            ),
            (Ending::Killed, "was killed without a trace after 3m 12s (seen at 2023-11-14T22:13:20Z)"),
            (
                Ending::Crashed("main failed: x".into()),
                "crashed after 3m 12s (at 2023-11-14T22:13:20Z): main failed: x",
            ),
        ] {
            assert_eq!(line(ending), format!("previous run (pid 71) {expected}"));
        }
        let crashed = || of(Ending::Crashed("x".into()));
        let another = PreviousRun { other_build: true, permanent: true, ..crashed() }.to_string();
        assert!(another.starts_with("previous run (pid 71, another build) crashed after"), "{another}");
        assert!(another.ends_with("Z): x (permanent)"), "{another}");
        let asked = PreviousRun { retry_after: Some(Duration::from_secs(90)), ..crashed() }.to_string();
        assert!(asked.ends_with("Z): x (retry after 1m 30s)"), "{asked}");
        assert_eq!(Rounded(Duration::from_micros(12_345)).to_string(), "12ms");
    }
}
