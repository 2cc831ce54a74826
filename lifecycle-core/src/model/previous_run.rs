//! How the run before this one ended: the answer to "why did it restart?".

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::model::plan::as_millis;

/// How the run of main before this one ended, be it in this process or in an earlier one.
///
/// ```
/// if let Some(previous) = lifecycle::status().previous {
///     println!("{previous}"); // previous run (pid 71) was killed without a trace after 3m 12s (seen at …)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PreviousRun {
    /// Its process.
    pub pid: u32,
    /// How it ended.
    pub ending: Ending,
    /// When, by the wall clock of that moment: of its end; for a killed process, when that was found out; for an
    /// unfinished shutdown, of its beginning.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: SystemTime,
    /// How long it had been up by then.
    #[serde(rename = "uptime_ms", serialize_with = "as_millis")]
    pub uptime: Duration,
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
        write!(f, "previous run (pid {}) {ended} after {up} ({when} {at})", self.pid)?;
        match &self.ending {
            Ending::Crashed(cause) | Ending::Incomplete(cause) => write!(f, ": {cause}"),
            _ => Ok(()),
        }
    }
}

/// A duration as people say it: whole seconds, or milliseconds below one.
pub(crate) struct Rounded(pub(crate) Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = match self.0.as_secs() {
            0 => Duration::from_millis(u64::from(self.0.subsec_millis())),
            seconds => Duration::from_secs(seconds),
        };
        humantime::format_duration(whole).fmt(f)
    }
}

/// Years beyond 9999, which RFC 3339 cannot write, come of a clock that is broken, and are not in a ledger.
pub(crate) fn as_rfc3339<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_is_one_line() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let line =
            |ending| PreviousRun { pid: 71, ending, at, uptime: Duration::from_millis(192_345) }.to_string();
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
        assert_eq!(Rounded(Duration::from_micros(12_345)).to_string(), "12ms");
    }
}
