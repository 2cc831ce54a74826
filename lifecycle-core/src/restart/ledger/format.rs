//! The ledger's contents: JSON that a person can read, with the number of its format.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::last_seen::LastSeen;
use crate::os::clock::Moment;
use crate::os::process::Identity;
use crate::restart::ledger::crash::Crash;
use crate::restart::ledger::crash_note::CrashNote;
use crate::restart::ledger::program::Program;
use crate::restart::policy::{Decision, PastCrash};

/// The format that is written. Fields may be added; a change of meaning is a new number.
pub(crate) const VERSION: u32 = 1;

/// Crashes that are kept.
const KEPT: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) version: u32,
    /// Crashes ever recorded, those included that are not listed any more.
    #[serde(default)]
    pub(crate) recorded: u64,
    /// The runs of processes that live, and of each service the newest one of a process that is gone.
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
    /// How long the run had been up by then.
    #[serde(default)]
    pub(crate) uptime_ms: u64,
    /// What its process noted when it died, such as that it was aborted.
    #[serde(default, rename = "last_words", skip_serializing_if = "Option::is_none")]
    pub(crate) crash_note: Option<CrashNote>,
    /// What went wrong in a shutdown that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    /// Whose run it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
    /// Which build runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<String>,
    /// What the flight recorder saw last of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_seen: Option<LastSeen>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RunState {
    /// If its process is gone, it crashed without a trace.
    Running,
    /// A shutdown had begun on request: whatever ended it then was no crash.
    Stopping,
    /// Its process was gone before the shutdown that had been asked for was over.
    Unfinished,
    /// A shutdown that was asked for came to its end, and something in it had failed.
    Incomplete,
    /// Exit code 0.
    Clean,
    /// It ended as a crash that is listed.
    Crashed,
}

impl Record {
    pub(crate) fn new() -> Record {
        Record { version: VERSION, ..Record::default() }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Record, String> {
        let mut record: Record = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if record.version != VERSION {
            return Err(format!(
                "its format is version {}, and this program knows {VERSION}",
                record.version
            ));
        }
        record.recorded = record.recorded.max(record.crashes.len() as u64);
        Ok(record)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("maps with string keys, numbers and texts");
        bytes.push(b'\n');
        bytes
    }

    pub(crate) fn add_crash(&mut self, crash: Crash) {
        self.crashes.push(crash);
        self.recorded = self.recorded.saturating_add(1);
        let surplus = self.crashes.len().saturating_sub(KEPT);
        self.crashes.drain(..surplus);
    }

    /// Notes what was decided about a crash, once.
    pub(crate) fn answer(&mut self, crash: &Crash, decision: Decision) {
        let same = self.crashes.iter_mut().rfind(|listed| listed.is(crash));
        if let Some(crash) = same.filter(|crash| crash.wait_ms.is_none()) {
            crash.answer(decision);
        }
    }

    /// Replaces the process's mark, and those of the service's processes that are gone.
    pub(crate) fn set_mark(&mut self, mark: Mark) {
        let is_over = |old: &Mark| !old.may_live() && old.service == mark.service;
        self.runs.retain(|old| old.process != mark.process && !is_over(old));
        self.runs.push(mark);
    }

    /// What a process that is gone said when it died.
    pub(crate) fn add_crash_note(&mut self, process: &Identity, words: &CrashNote) {
        let mark = self.runs.iter_mut().find(|mark| mark.process == *process && mark.may_live());
        mark.into_iter().for_each(|mark| {
            mark.crash_note.get_or_insert_with(|| words.clone());
        });
    }

    /// What the flight recorder saw last of a process that is gone.
    pub(crate) fn add_last_seen(&mut self, process: &Identity, seen: &LastSeen) {
        let mark = self.runs.iter_mut().find(|mark| mark.process == *process && mark.may_live());
        mark.into_iter().for_each(|mark| mark.last_seen = Some(seen.clone()));
    }

    /// The newest crash of a program.
    pub(crate) fn newest(&self, program: &Program) -> Option<&Crash> {
        self.crashes.iter().rfind(|crash| crash.is_of(program))
    }

    /// The crashes of a program as the rule sees them: waits that were spent do not count as time.
    pub(crate) fn history(&self, program: &Program, now: &Moment) -> Vec<PastCrash> {
        let mut waited = Duration::ZERO;
        let mut history: Vec<PastCrash> = Vec::with_capacity(self.crashes.len());
        for crash in self.crashes.iter().rev().filter(|crash| crash.is_of(program)) {
            waited = waited.saturating_add(Duration::from_millis(crash.waited_ms));
            let age = now.checked_since(&crash.when).map(|age| age.saturating_sub(waited));
            // A clock that was set back: it is at least as old as the run that followed it.
            let after = history.last().map(|next| next.age.saturating_add(next.uptime));
            history.push(PastCrash {
                age: age.or(after).unwrap_or_default(),
                uptime: crash.uptime(),
                wait: crash.wait().unwrap_or_default(),
            });
        }
        history.reverse();
        history
    }
}

impl Mark {
    /// Whether its process may still live; the others are kept only to tell how the previous run ended.
    pub(crate) fn may_live(&self) -> bool {
        matches!(self.state, RunState::Running | RunState::Stopping)
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
        let (uptime_ms, wait_ms) = (1000, Some(waited_ms));
        Crash { uptime_ms, wait_ms, waited_ms, ..Crash::new(cause, when, 7) }
    }

    #[test]
    fn what_is_written_is_read_again_and_cut_files_are_refused() {
        let mark = Mark {
            state: RunState::Running,
            process: Identity { pid: 7, start: Some(9) },
            since: moment(1),
            uptime_ms: 0,
            crash_note: Some(CrashNote { said: "aborted".into(), since_boot_ms: 5 }),
            failure: None,
            service: Some("app".into()),
            build: Some("id-0a".into()),
            last_seen: None,
        };
        let last = Crash {
            build: Some("id-0a".into()),
            retry_after_ms: Some(30_000),
            permanent: Some("00ff".into()),
            ..crash(2, 0)
        };
        let record =
            Record { runs: vec![mark], crashes: vec![crash(1, 0), last], recorded: 7, ..Record::new() };
        let bytes = record.to_bytes();
        assert_eq!(Record::parse(&bytes), Ok(record));
        for cut in 0..bytes.len() - 2 {
            assert!(Record::parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    /// Fields may be added: this version reads what an earlier one wrote, and a later one may know more.
    #[test]
    fn versions_with_more_or_fewer_fields_read_each_other() {
        let when = r#""at": "2026-01-01T00:00:00.000Z", "boot": "b", "since_boot_ms": 5"#;
        let fewer = format!(r#"{{"cause": "x", {when}, "pid": 7, "uptime_ms": 1, "wait_ms": null}}"#);
        let more = fewer.replace("\"pid\"", r#""tomorrow": [{"a": 1}], "build": "id-0a", "pid""#);
        for (crash, build) in [(&fewer, None), (&more, Some("id-0a"))] {
            let text = format!(r#"{{"version": 1, "later": true, "runs": [], "crashes": [{crash}]}}"#);
            let record = Record::parse(text.as_bytes()).expect("readable");
            assert_eq!(record.crashes[0].build(), build);
            assert_eq!((record.crashes[0].retry_after(), record.crashes[0].is_permanent()), (None, false));
        }
        let reason = Record::parse(br#"{"version": 2, "crashes": []}"#).expect_err("a change of meaning");
        assert!(reason.contains("version 2, and this program knows 1"), "{reason}");
    }

    #[test]
    fn waits_that_were_spent_do_not_count_as_time() {
        let record = Record { crashes: vec![crash(0, 60_000), crash(61, 0)], ..Record::default() };
        let ages: Vec<u64> =
            record.history(&Program::app(), &moment(65)).iter().map(|crash| crash.age.as_secs()).collect();
        assert_eq!(ages, [5, 4]);
    }

    #[test]
    fn crashes_of_another_service_do_not_count() {
        let of = |service: &str, seconds| Crash { service: Some(service.into()), ..crash(seconds, 0) };
        let crashes = vec![of("app", 1), of("other", 2), crash(3, 0), of("other", 4)];
        let record = Record { crashes, ..Record::new() };
        let ages: Vec<u64> =
            record.history(&Program::app(), &moment(5)).iter().map(|crash| crash.age.as_secs()).collect();
        assert_eq!(ages, [4, 2]);
        assert_eq!(record.newest(&Program::app()).map(|crash| crash.when.since_boot_ms), Some(3000));
    }

    #[test]
    fn only_the_last_hundred_crashes_are_kept() {
        let mut record = Record::default();
        (0..250).for_each(|second| record.add_crash(crash(second, 0)));
        assert_eq!((record.crashes.len(), &record.crashes[0].when), (100, &moment(150)));
        assert_eq!(record.recorded, 250);
    }

    #[test]
    fn a_crash_from_the_future_is_as_old_as_the_run_after_it() {
        let elsewhere = |seconds| Moment { boot: Some("another".into()), ..moment(seconds) };
        let mut future = crash(0, 0);
        future.when = elsewhere(9_000_000);
        let record = Record { crashes: vec![future, crash(50, 0)], ..Record::new() };
        let ages: Vec<u64> =
            record.history(&Program::app(), &moment(60)).iter().map(|crash| crash.age.as_secs()).collect();
        assert_eq!(ages, [11, 10]);
    }

    #[test]
    fn numbers_beyond_all_measure_do_not_overflow() {
        let crash = Crash { uptime_ms: u64::MAX, waited_ms: u64::MAX, ..crash(0, 0) };
        let record = Record { crashes: vec![crash; 5000], ..Record::new() };
        assert_eq!(record.history(&Program::app(), &moment(1)).len(), 5000);
    }
}
