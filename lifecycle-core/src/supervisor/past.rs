//! What the page shows of the past: the runs of this process image, which are kept here, and what the ledger knows.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use crate::config::resolve::Restart;
use crate::hang::last_report;
use crate::model::past::{End, History, KEPT, PastCrash, PastRun, UnderWay};
use crate::model::previous_run::{Ending, PreviousRun};
use crate::model::report::Report;
use crate::os::build;
use crate::os::lock::lock;
use crate::restart::ledger::{self, Crash};
use crate::tasks::run::Run;

#[derive(Default)]
pub(super) struct Past {
    ledger: OnceLock<Ledger>,
    /// Oldest first.
    runs: Mutex<VecDeque<Kept>>,
}

struct Ledger {
    file: PathBuf,
    service: String,
}

#[derive(Clone)]
struct Kept {
    run: PastRun,
    begun: Instant,
    /// When the ledger says that it ended, if it says so.
    recorded: Option<SystemTime>,
}

impl Past {
    /// From now on crashes are recorded there.
    pub(super) fn is_kept_in(&self, restart: &Restart) {
        let (file, service) = (restart.file.clone(), restart.service.clone());
        self.ledger.get_or_init(|| Ledger { file, service });
    }

    /// How the run before this process image ended. The ledger forgets it once main runs, unless it is a crash.
    pub(super) fn found(&self, previous: &PreviousRun) {
        if !previous.is_crash() {
            let ending = End::Over(previous.ending.clone());
            let run = ended(previous.pid, previous.at, previous.uptime, ending);
            self.keep(Kept { run, begun: Instant::now(), recorded: Some(previous.at) });
        }
    }

    pub(super) fn run_begins(&self) {
        let run = PastRun {
            pid: std::process::id(),
            started: SystemTime::now(),
            uptime: Duration::ZERO,
            shutdown: None,
            ending: End::UnderWay(UnderWay::Running),
        };
        self.keep(Kept { run, begun: Instant::now(), recorded: None });
    }

    /// Its shutdown is over. `previous` is what the ledger was told of it, if it has crashed.
    pub(super) fn run_ended(&self, run: &Run, report: &Report, previous: Option<PreviousRun>) {
        let mut runs = lock(&self.runs);
        let Some(kept) = runs.back_mut() else { return };
        kept.measure(run);
        let is_crash = report.cause.is_failure();
        kept.run.ending = End::Over(match report.first_failure() {
            _ if is_crash => Ending::Crashed(report.cause.summary()),
            Some(failure) => Ending::Incomplete(failure),
            None => Ending::Clean,
        });
        kept.recorded = previous.filter(|_| is_crash).map(|previous| previous.at);
    }

    /// With `run` as the one under way. Reads files: to be called where it may take its time.
    pub(super) fn history(&self, run: &Run) -> History {
        let read = |ledger: &Ledger| ledger::read(&ledger.file).map_err(|error| error.to_string());
        let read = match self.ledger.get() {
            None => Err("crashes are not recorded: restarts are switched off".to_owned()),
            Some(ledger) => read(ledger).map(|history| (ledger, history)),
        };
        let (crashes, recorded, no_ledger) = match read {
            Err(reason) => (Vec::new(), 0, Some(reason)),
            Ok((ledger, history)) => (ledger.own(&history), history.recorded(), None),
        };
        let runs = merged(self.runs(run), &crashes);
        let own = build::current();
        let crashes = crashes.iter().rev().take(KEPT).map(|crash| listed(crash, own.as_deref())).collect();
        History { runs, crashes, recorded, no_ledger, hang_report: last_report::file() }
    }

    fn keep(&self, run: Kept) {
        let mut runs = lock(&self.runs);
        runs.push_back(run);
        let surplus = runs.len().saturating_sub(KEPT);
        runs.drain(..surplus);
    }

    /// With the one under way as it is now.
    fn runs(&self, run: &Run) -> Vec<Kept> {
        let mut runs: Vec<Kept> = lock(&self.runs).iter().cloned().collect();
        let last = runs.last_mut().filter(|kept| matches!(kept.run.ending, End::UnderWay(_)));
        last.into_iter().for_each(|kept| kept.measure(run));
        runs
    }
}

impl Ledger {
    /// Without those of other services that share the file.
    fn own(&self, history: &ledger::History) -> Vec<Crash> {
        let is_ours = |crash: &&Crash| crash.service().is_none_or(|service| service == self.service);
        history.crashes().iter().filter(is_ours).cloned().collect()
    }
}

impl Kept {
    fn measure(&mut self, run: &Run) {
        let stopped = run.cause().map(|(_, begun)| begun);
        self.run.uptime = stopped.unwrap_or_else(Instant::now).saturating_duration_since(self.begun);
        self.run.shutdown = stopped.map(|begun| begun.elapsed());
        self.run.ending =
            End::UnderWay(if stopped.is_some() { UnderWay::Stopping } else { UnderWay::Running });
    }
}

/// Newest first. What the ledger knows of a run that is kept here is known better here.
fn merged(kept: Vec<Kept>, crashes: &[Crash]) -> Vec<PastRun> {
    // The ledger has milliseconds.
    let millis = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let from_ledger = crashes.iter().map(|crash| {
        let run = ended(crash.pid(), crash.at(), crash.uptime(), End::Over(crash.ending()));
        ((crash.pid(), millis(crash.at())), run)
    });
    let mut ended: BTreeMap<_, PastRun> = from_ledger.collect();
    let mut runs = Vec::with_capacity(kept.len() + ended.len());
    for Kept { run, recorded, .. } in kept {
        recorded.into_iter().for_each(|at| drop(ended.remove(&(run.pid, millis(at)))));
        runs.push(run);
    }
    runs.extend(ended.into_values());
    runs.sort_by_key(|run| std::cmp::Reverse(run.started));
    runs.truncate(KEPT);
    runs
}

/// A run of which only its end is known.
fn ended(pid: u32, at: SystemTime, uptime: Duration, ending: End) -> PastRun {
    let started = at.checked_sub(uptime).unwrap_or(at).max(SystemTime::UNIX_EPOCH);
    PastRun { pid, started, uptime, shutdown: None, ending }
}

fn listed(crash: &Crash, own: Option<&str>) -> PastCrash {
    let build = crash.build().map(str::to_owned);
    PastCrash {
        pid: crash.pid(),
        at: crash.at(),
        uptime: crash.uptime(),
        cause: crash.cause().to_owned(),
        other_build: own.zip(crash.build()).is_some_and(|(own, other)| own != other),
        build,
        permanent: crash.is_permanent(),
        wait: crash.wait(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restart::ledger::History;

    /// Crashes of process 7, each a second after the epoch and then another; each had been up for a second.
    fn crashes(count: u64) -> Vec<Crash> {
        let crash = |n: u64| {
            format!(
                r#"{{"cause": "crash {n}", "at": "1970-01-01T00:00:{:02}.250Z", "pid": 7, "uptime_ms": 1000, "wait_ms": null}}"#,
                n + 1
            )
        };
        let crashes: Vec<String> = (0..count).map(crash).collect();
        let ledger = format!(r#"{{"version": 1, "runs": [], "crashes": [{}]}}"#, crashes.join(","));
        History::try_from(ledger.as_bytes()).expect("a ledger").crashes().to_vec()
    }

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    fn kept(pid: u32, ended_at: u64) -> Kept {
        let ending = End::Over(Ending::Crashed("known here".into()));
        let mut run = ended(pid, at(ended_at), Duration::from_secs(1), ending);
        run.shutdown = Some(Duration::from_millis(30));
        // The clock is finer than the ledger.
        Kept { run, begun: Instant::now(), recorded: Some(at(ended_at) + Duration::from_micros(300)) }
    }

    #[test]
    fn a_run_that_both_know_is_listed_once_as_it_is_known_here() {
        let runs = merged(vec![kept(7, 2250)], &crashes(3));
        let shown: Vec<_> = runs.iter().map(|run| (run.started, run.shutdown.is_some())).collect();
        assert_eq!(shown, [(at(2250), false), (at(1250), true), (at(250), false)]);
        // Another process, or another moment: two runs.
        for other in [kept(8, 2250), kept(7, 2251)] {
            assert_eq!(merged(vec![other], &crashes(3)).len(), 4);
        }
    }

    #[test]
    fn the_newest_are_listed() {
        let runs = merged(Vec::new(), &crashes(30));
        assert_eq!((runs.len(), runs[0].started), (KEPT, at(29_250)));
        let past = Past::default();
        (0..100).for_each(|_| past.run_begins());
        assert_eq!(lock(&past.runs).len(), KEPT);
    }
}
