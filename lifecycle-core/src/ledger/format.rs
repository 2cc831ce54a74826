//! The ledger's contents: JSON that a person can read, with the number of its format.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::process::{Identity, Moment};
use crate::restart::PastCrash;

/// The format that is written. Fields may be added; a change of meaning is a new number.
pub(crate) const VERSION: u32 = 1;

/// Crashes that are kept.
const KEPT: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) version: u32,
    /// The runs that were not followed by another one, normally one a process.
    #[serde(default)]
    pub(crate) runs: Vec<Mark>,
    /// Oldest first.
    #[serde(default)]
    pub(crate) crashes: Vec<Crash>,
}

/// How far a run got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) state: RunState,
    #[serde(flatten)]
    pub(crate) process: Identity,
    pub(crate) since: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RunState {
    /// If its process is gone, it crashed without a trace.
    Running,
    /// A shutdown had begun on request: whatever ended it then was no crash.
    Stopping,
    /// Exit code 0.
    Clean,
    /// It ended as a crash that is listed.
    Crashed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Crash {
    pub(crate) cause: String,
    #[serde(flatten)]
    pub(crate) when: Moment,
    pub(crate) pid: u32,
    pub(crate) uptime_ms: u64,
    /// What was decided: nothing yet while it is null.
    pub(crate) wait_ms: Option<u64>,
    /// How much of it was really waited.
    #[serde(default)]
    pub(crate) waited_ms: u64,
}

impl Record {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Record, String> {
        let record: Record = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if record.version == VERSION {
            Ok(record)
        } else {
            Err(format!("its format is version {}, and this program knows {VERSION}", record.version))
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("maps with string keys, numbers and texts");
        bytes.push(b'\n');
        bytes
    }

    pub(crate) fn add_crash(&mut self, crash: Crash) {
        self.crashes.push(crash);
        let surplus = self.crashes.len().saturating_sub(KEPT);
        self.crashes.drain(..surplus);
    }

    /// The crashes as the rule sees them: waits that were spent do not count as time.
    pub(crate) fn history(&self, now: &Moment) -> Vec<PastCrash> {
        let mut waited = Duration::ZERO;
        let mut history: Vec<PastCrash> = Vec::with_capacity(self.crashes.len());
        for crash in self.crashes.iter().rev() {
            waited += Duration::from_millis(crash.waited_ms);
            history.push(PastCrash {
                age: now.since(&crash.when).saturating_sub(waited),
                uptime: Duration::from_millis(crash.uptime_ms),
                wait: Duration::from_millis(crash.wait_ms.unwrap_or(0)),
            });
        }
        history.reverse();
        history
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    fn moment(seconds: u64) -> Moment {
        let at: SystemTime = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
        Moment { at, boot: Some("b".into()), since_boot_ms: seconds * 1000 }
    }

    fn crash(seconds: u64, waited_ms: u64) -> Crash {
        let (cause, when) = ("main failed: x".to_owned(), moment(seconds));
        Crash { cause, when, pid: 7, uptime_ms: 1000, wait_ms: Some(waited_ms), waited_ms }
    }

    #[test]
    fn what_is_written_is_read_again_and_cut_files_are_refused() {
        let mark =
            Mark { state: RunState::Running, process: Identity { pid: 7, start: Some(9) }, since: moment(1) };
        let record = Record { version: VERSION, runs: vec![mark], crashes: vec![crash(2, 0)] };
        let bytes = record.to_bytes();
        assert_eq!(Record::parse(&bytes), Ok(record));
        for cut in 0..bytes.len() - 2 {
            assert!(Record::parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn waits_that_were_spent_do_not_count_as_time() {
        let record = Record { crashes: vec![crash(0, 60_000), crash(61, 0)], ..Record::default() };
        let ages: Vec<u64> = record.history(&moment(65)).iter().map(|crash| crash.age.as_secs()).collect();
        assert_eq!(ages, [5, 4]);
    }

    #[test]
    fn only_the_last_hundred_crashes_are_kept() {
        let mut record = Record::default();
        (0..250).for_each(|second| record.add_crash(crash(second, 0)));
        assert_eq!((record.crashes.len(), &record.crashes[0].when), (100, &moment(150)));
    }
}
