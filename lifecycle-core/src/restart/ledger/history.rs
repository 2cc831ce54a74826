//! The ledger as people and programs outside the framework read it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::model::table;
use crate::model::time::Rounded;
use crate::restart::ledger::crash::Crash;
use crate::restart::ledger::file::{self, Contents};
use crate::restart::ledger::format::{Mark, Record, RunState};

/// Reads a ledger, such as `.restart_count`. Takes no lock and changes nothing.
///
/// # Errors
/// If there is no file, it cannot be read, or it is not a ledger of a format that this version knows.
///
/// ```no_run
/// let history = lifecycle::ledger::read("/data/.restart_count")?;
/// println!("{history}");
/// # Ok::<(), lifecycle::ledger::ReadError>(())
/// ```
pub fn read(path: impl AsRef<Path>) -> Result<History, ReadError> {
    let path = path.as_ref();
    let error = |reason: String| ReadError { reason: format!("{}: {reason}", path.display()) };
    if let Some(reason) = file::refused(path) {
        return Err(error(reason));
    }
    let mut contents = file::read(path);
    if matches!(contents, Contents::Bad(_)) {
        // Its service may be changing a mark in place right now.
        std::thread::sleep(Duration::from_millis(5));
        contents = file::read(path);
    }
    match contents {
        Contents::Record(record) => Ok(History { record }),
        Contents::Missing => Err(error("there is no ledger: no service has run with this file yet".into())),
        Contents::Unreadable(reason) => Err(error(reason)),
        Contents::Bad(reason) => Err(error(format!("not a ledger ({reason})"))),
    }
}

/// What a ledger remembers. `Display` is a table for people.
///
/// ```
/// let bytes = br#"{"version": 1, "runs": [], "crashes": []}"#;
/// let history = lifecycle::ledger::History::try_from(&bytes[..])?;
/// assert_eq!((history.crashes().len(), history.recorded()), (0, 0));
/// # Ok::<(), lifecycle::ledger::ReadError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    record: Record,
}

impl History {
    /// The last crashes, 100 at most, oldest first.
    #[must_use]
    pub fn crashes(&self) -> &[Crash] {
        &self.record.crashes
    }

    /// How many crashes were ever recorded.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.record.recorded
    }
}

#[cfg(any(test, fuzzing))]
impl History {
    pub(super) fn record(&self) -> &Record {
        &self.record
    }
}

impl TryFrom<&[u8]> for History {
    type Error = ReadError;

    fn try_from(bytes: &[u8]) -> Result<History, ReadError> {
        let record = Record::parse(bytes)
            .map_err(|reason| ReadError { reason: format!("not a ledger ({reason})") })?;
        Ok(History { record })
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mark in &self.record.runs {
            writeln!(f, "{}", run(mark))?;
        }
        let (recorded, listed) = (self.record.recorded, self.record.crashes.len());
        match (recorded, listed as u64) {
            (0, _) => return writeln!(f, "no crash was recorded"),
            (recorded, listed) if recorded > listed => writeln!(f, "{recorded} crashes, the last {listed}:")?,
            (1, _) => writeln!(f, "1 crash:")?,
            _ => writeln!(f, "{recorded} crashes:")?,
        }
        let builds = builds(&self.record);
        if builds.len() < 2 {
            let rows: Vec<_> = self.record.crashes.iter().map(row).collect();
            return table::write(f, ["at", "pid", "up", "then", "cause"], &rows);
        }
        let rows = self.record.crashes.iter().map(|crash| {
            let number = builds.iter().position(|build| Some(*build) == crash.build());
            let number = number.map_or("?".to_owned(), |number| (number + 1).to_string());
            let [at, pid, up, then, cause] = row(crash);
            [at, pid, number, up, then, cause]
        });
        table::write(f, ["at", "pid", "build", "up", "then", "cause"], &Vec::from_iter(rows))
    }
}

fn run(mark: &Mark) -> String {
    let state = match mark.state {
        RunState::Running => "runs, if its process lives,",
        RunState::Stopping => "is stopping, if its process lives,",
        RunState::Unfinished => "was killed in its shutdown",
        RunState::Incomplete => "stopped with exit code 1",
        RunState::Clean => "stopped cleanly",
        RunState::Crashed => "crashed",
    };
    let since = humantime::format_rfc3339_seconds(mark.since.at);
    let when = if mark.state == RunState::Running { "since" } else { "at" };
    format!("pid {} {state} {when} {since}", mark.process.pid)
}

/// Each build once, in the order of its first crash.
fn builds(record: &Record) -> Vec<&str> {
    let mut builds = Vec::new();
    for build in record.crashes.iter().filter_map(Crash::build) {
        if !builds.contains(&build) {
            builds.push(build);
        }
    }
    builds
}

fn row(crash: &Crash) -> [String; 5] {
    let asked = crash.retry_after().filter(|asked| crash.wait().is_none_or(|wait| wait < *asked));
    let then = match (asked, crash.wait()) {
        _ if crash.is_permanent() => "permanent".to_owned(),
        (Some(asked), _) => format!("retry after {}", Rounded(asked)),
        (None, None) => "not answered yet".to_owned(),
        (None, Some(wait)) if wait.is_zero() => "at once".to_owned(),
        (None, Some(wait)) => format!("wait of {}", Rounded(wait)),
    };
    let at = humantime::format_rfc3339_seconds(crash.at()).to_string();
    [at, crash.pid().to_string(), Rounded(crash.uptime()).to_string(), then, crash.cause().to_owned()]
}

/// Why a ledger cannot be read.
///
/// ```
/// let error = lifecycle::ledger::read("/no/such/file").unwrap_err();
/// assert!(error.to_string().starts_with("/no/such/file: there is no ledger"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    reason: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ReadError {}
