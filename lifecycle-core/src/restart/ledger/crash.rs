//! One crash, as the ledger lists it.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::os::clock::Moment;

/// One crash of a [`History`](crate::ledger::History).
///
/// ```no_run
/// for crash in lifecycle::ledger::read(".restart_count")?.crashes() {
///     println!("{}: {} after {:?}", humantime::format_rfc3339(crash.at()), crash.cause(), crash.uptime());
/// }
/// # Ok::<(), lifecycle::ledger::ReadError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    pub(crate) cause: String,
    #[serde(flatten)]
    pub(crate) when: Moment,
    pub(crate) pid: u32,
    /// Whose crash it is; of an older format, everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
    pub(crate) uptime_ms: u64,
    /// Crashes inside the window, this one included, as the rule counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) counted: Option<u32>,
    /// What was decided: nothing yet while it is null.
    pub(crate) wait_ms: Option<u64>,
    /// How much of it was really waited.
    #[serde(default)]
    pub(crate) waited_ms: u64,
}

impl Crash {
    /// What it crashed of: an error's text, a panic with its place, a signal, a hang with its heartbeat, or that it was
    /// killed without a trace. One line of at most 500 characters.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// When it crashed, by the wall clock of that moment; for a process that was killed, when that was found out.
    #[must_use]
    pub fn at(&self) -> SystemTime {
        self.when.at
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How long the run had been up; for a process that was killed, at most.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        Duration::from_millis(self.uptime_ms)
    }

    /// The service that crashed: the name of its executable, unless it was given another.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// Whether it counts for this service.
    pub(crate) fn is_of(&self, service: &str) -> bool {
        self.service.as_deref().is_none_or(|own| own == service)
    }

    /// The wait that was decided after it: zero restarts at once, `None` is not decided yet.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.wait_ms.map(Duration::from_millis)
    }
}
