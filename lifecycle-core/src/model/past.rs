//! What was before: the last runs of main, crashes and their causes. The answer to `/history`.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::model::plan::{as_millis, as_optional_millis};
use crate::model::previous_run::Ending;
use crate::model::time::as_rfc3339;

/// Runs, and crashes, that are listed.
pub(crate) const KEPT: usize = 16;

#[derive(Debug, Serialize)]
pub(crate) struct History {
    /// Newest first.
    pub(crate) runs: Vec<PastRun>,
    /// Newest first.
    pub(crate) crashes: Vec<PastCrash>,
    /// How many were ever recorded.
    pub(crate) recorded: u64,
    /// Why the ledger says nothing.
    pub(crate) no_ledger: Option<String>,
    pub(crate) hang_report: ReportFile,
}

/// A run of main, in this process image or before it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PastRun {
    pub(crate) pid: u32,
    #[serde(serialize_with = "as_rfc3339")]
    pub(crate) started: SystemTime,
    /// Until its shutdown began, where that is known; else to its end.
    #[serde(rename = "uptime_ms", serialize_with = "as_millis")]
    pub(crate) uptime: Duration,
    /// What its shutdown took, or takes; `None` is not known, or it has not begun.
    #[serde(rename = "shutdown_ms", serialize_with = "as_optional_millis")]
    pub(crate) shutdown: Option<Duration>,
    pub(crate) ending: End,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum End {
    Over(Ending),
    UnderWay(UnderWay),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnderWay {
    Running,
    Stopping,
}

#[derive(Debug, Serialize)]
pub(crate) struct PastCrash {
    pub(crate) pid: u32,
    #[serde(serialize_with = "as_rfc3339")]
    pub(crate) at: SystemTime,
    #[serde(rename = "uptime_ms", serialize_with = "as_millis")]
    pub(crate) uptime: Duration,
    pub(crate) cause: String,
    /// `None` is not known.
    pub(crate) build: Option<String>,
    /// Whether that is another one than what runs now.
    pub(crate) other_build: bool,
    pub(crate) permanent: bool,
    /// The wait that followed; `None` is not decided yet.
    #[serde(rename = "wait_ms", serialize_with = "as_optional_millis")]
    pub(crate) wait: Option<Duration>,
}

/// Whether there is a hang report.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ReportFile {
    There {
        /// When the file was written last.
        #[serde(serialize_with = "as_rfc3339")]
        at: SystemTime,
        bytes: u64,
    },
    /// What to do to get one.
    Missing { hint: String },
}
