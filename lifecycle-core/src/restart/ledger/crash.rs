//! One crash, as the ledger lists it.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::model::failure::Meaning;
use crate::model::last_seen::LastSeen;
use crate::os::clock::{Moment, millis};
use crate::restart::ledger::program::Program;
use crate::restart::policy::Decision;

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
    /// Which build crashed; of an older format, unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<String>,
    /// What its failure asked for, or that of another replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u64>,
    /// The fingerprint of its start, if its failure was permanent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) permanent: Option<String>,
    /// What the flight recorder saw last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_seen: Option<LastSeen>,
}

impl Crash {
    /// Of which only so much is known.
    pub(crate) fn new(cause: String, when: Moment, pid: u32) -> Crash {
        Crash {
            cause,
            when,
            pid,
            service: None,
            uptime_ms: 0,
            counted: None,
            wait_ms: None,
            waited_ms: 0,
            build: None,
            retry_after_ms: None,
            permanent: None,
            last_seen: None,
        }
    }

    /// What it crashed of: an error's text, a panic with its place, a signal, a hang with its heartbeat, or that it was
    /// killed, and of what probably. One line of at most 500 characters.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// When it crashed, by the wall clock of that moment; for a process that was killed, when it was last seen.
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

    /// Which build crashed: `id-` and the linker's build id in hexadecimal digits, or `file-` and the executable's inode,
    /// size and time. `None` if it is not known.
    #[must_use]
    pub fn build(&self) -> Option<&str> {
        self.build.as_deref()
    }

    /// Whether its failure was [`permanent`](crate::permanent).
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.permanent.is_some()
    }

    /// What the flight recorder saw last, if the process was killed.
    #[must_use]
    pub fn last_seen(&self) -> Option<&LastSeen> {
        self.last_seen.as_ref()
    }

    /// The wait that its failure asked for, or that of another replica: see [`retry_after`](crate::retry_after).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ms.map(Duration::from_millis)
    }

    /// Notes what its failure asks for; more than before, or as much.
    pub(crate) fn asks_for(&mut self, meaning: Option<Meaning>, program: &Program) {
        match meaning {
            Some(Meaning::Permanent) => self.permanent = Some(program.fingerprint.clone()),
            Some(Meaning::RetryAfter(wait)) => {
                self.retry_after_ms = self.retry_after_ms.max(Some(millis(wait)));
            }
            None => {}
        }
    }

    /// Notes what was decided.
    pub(crate) fn answer(&mut self, decision: Decision) {
        self.wait_ms = Some(millis(decision.wait));
        self.counted = Some(decision.crashes);
    }

    /// Whether it is one of the program's service.
    pub(crate) fn serves(&self, program: &Program) -> bool {
        self.service.as_deref().is_none_or(|own| own == program.service)
    }

    /// Whether it counts for the program.
    pub(crate) fn is_of(&self, program: &Program) -> bool {
        self.serves(program) && program.is_build(self.build.as_deref())
    }

    /// Whether both are one.
    pub(crate) fn is(&self, other: &Crash) -> bool {
        (self.pid, &self.when) == (other.pid, &other.when)
    }

    /// The wait that the restart rule decided after it: zero restarts at once, `None` is not decided yet.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.wait_ms.map(Duration::from_millis)
    }
}
