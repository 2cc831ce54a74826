//! The ledger: crash memory that outlives the process, in `.restart_count`.
//!
//! The framework keeps it; [`read`] shows it to people and programs.

mod crash;
mod crash_note;
mod file;
mod format;
mod history;
#[cfg(test)]
mod properties;
mod reconcile;
#[cfg(any(test, fuzzing))]
mod rehearse;
#[cfg(feature = "redis")]
mod shared_store;
mod writer;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::config::resolve::Restart;
use crate::config::resolve::RestartPolicy;
use crate::model::previous_run::PreviousRun;
use crate::os::clock::Moment;
use crate::os::clock::millis;
use crate::os::process::Identity;
use crate::restart::ledger::format::{Mark, Record, RunState};
use crate::restart::ledger::reconcile::reconcile_dead_runs;
use crate::restart::ledger::writer::{LedgerWriter, UPDATE_TIMEOUT};
use crate::restart::policy::Decision;

pub use crash::Crash;
pub(crate) use file::crash_note_file;
pub use history::{History, ReadError, read};
#[cfg(fuzzing)]
pub use rehearse::rehearse;

/// What it takes from a crash to the next start on a busy machine: no part of a wait.
const MOMENT: Duration = Duration::from_secs(1);

/// What the last mark may take: a clean end that did not reach the disk would look like a crash.
const LAST: Duration = Duration::from_secs(5);

/// Written at each change, read again before it: another process may have added its own.
pub(crate) struct Ledger {
    writer: LedgerWriter,
    policy: RestartPolicy,
    service: String,
    own: Identity,
    started: Option<Moment>,
    /// Whether `admit` has marked the run that begins.
    is_marked: bool,
    #[cfg(feature = "redis")]
    shared_store: Option<shared_store::SharedStore>,
}

/// Whether main may run, and why not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    /// What is left of the wait; zero starts at once.
    pub(crate) wait: Duration,
    /// Crashes inside the window when the newest one was answered; zero if none is listed.
    pub(crate) crashes: u32,
}

impl Ledger {
    /// Touches the file only when there is something to read or write.
    pub(crate) fn new(restart: Restart) -> Ledger {
        Ledger {
            policy: restart.policy,
            service: restart.service.clone(),
            own: Identity::own(),
            started: None,
            is_marked: false,
            #[cfg(feature = "redis")]
            shared_store: shared_store::SharedStore::new(&restart),
            writer: LedgerWriter::start(restart.file),
        }
    }

    /// Answers the crashes that were not answered yet: how long to wait before main may run. Runs whose process is gone
    /// without a word are crashes, too. Also returns how the newest run of a gone process ended.
    /// With `begins` the run begins at once unless it has to wait: that is one write less than [`running`](Self::running).
    pub(crate) fn admit(&mut self, begins: bool) -> (Admission, Option<PreviousRun>) {
        let (policy, own, now) = (self.policy, self.own.clone(), Moment::now());
        let alone = !self.has_shared_store();
        let mark = (begins && alone).then(|| {
            self.started = Some(now.clone());
            self.marked(RunState::Running, None)
        });
        let (moment, service) = (now.clone(), self.service.clone());
        let previous = Arc::new(OnceLock::new());
        let found = previous.clone();
        let mut record = self.writer.update(UPDATE_TIMEOUT, move |record| {
            reconcile_dead_runs(record, &own, &moment);
            let _ = found.set(reconcile::previous(record, &service));
            if alone {
                answer(record, &service, policy, &moment);
            }
            if let Some(mark) = &mark
                && admission(record, &service, policy, &moment).wait.is_zero()
            {
                mark(record);
            }
        });
        if !alone {
            let shared = self.ask_shared_store(&record, &now);
            let (moment, service) = (now.clone(), self.service.clone());
            record = self.writer.update(UPDATE_TIMEOUT, move |record| {
                shared.iter().for_each(|(crash, decision)| record.answer(crash, *decision));
                answer(record, &service, policy, &moment);
            });
        }
        let previous = previous.get().cloned().flatten();
        let admission = admission(&record, &self.service, policy, &now);
        self.is_marked = begins && alone && admission.wait.is_zero();
        (admission, previous)
    }

    fn has_shared_store(&self) -> bool {
        #[cfg(feature = "redis")]
        return self.shared_store.is_some();
        #[cfg(not(feature = "redis"))]
        false
    }

    /// What the replicas together decide about the crashes that were not answered yet.
    #[cfg(feature = "redis")]
    fn ask_shared_store(&self, record: &Record, now: &Moment) -> Vec<(Crash, Decision)> {
        let Some(shared_store) = &self.shared_store else { return Vec::new() };
        let unanswered =
            record.crashes.iter().filter(|crash| crash.wait_ms.is_none() && crash.is_of(&self.service));
        unanswered
            .filter_map(|crash| Some((crash.clone(), shared_store.answer(crash, record, now)?)))
            .collect()
    }

    #[cfg(not(feature = "redis"))]
    fn ask_shared_store(&self, _: &Record, _: &Moment) -> Vec<(Crash, Decision)> {
        Vec::new()
    }

    /// The wait after the newest crash was spent.
    pub(crate) fn waited(&self, waited: Duration) {
        let (waited, service) = (millis(waited), self.service.clone());
        self.writer.update_later(move |record| {
            let newest = record.crashes.iter_mut().rfind(|crash| crash.is_of(&service));
            newest.into_iter().for_each(|crash| crash.waited_ms = crash.waited_ms.saturating_add(waited));
        });
    }

    /// A run of main begins, unless `admit` has said so.
    pub(crate) fn running(&mut self) {
        if std::mem::take(&mut self.is_marked) {
            return;
        }
        self.started = Some(Moment::now());
        self.writer.update(UPDATE_TIMEOUT, self.marked(RunState::Running, None));
    }

    /// A shutdown that was asked for has begun. Not waited for: the disk is slow, and the hooks need not wait.
    pub(crate) fn stopping(&self) {
        self.writer.update_later(self.marked(RunState::Stopping, None));
    }

    /// Exit code 0. Waits for the disk, 5 s at most.
    pub(crate) fn clean(&self) {
        self.writer.update(LAST, self.marked(RunState::Clean, None));
    }

    /// A shutdown that was asked for is over, and this had failed in it. Waits for the disk, 5 s at most.
    pub(crate) fn incomplete(&self, failure: String) {
        self.writer.update(LAST, self.marked(RunState::Incomplete, Some(failure)));
    }

    /// Everything so far is on the disk, or 5 s are over.
    pub(crate) fn settle(&self) {
        self.flush(LAST);
    }

    /// Everything so far is on the disk, or `timeout` is over.
    pub(crate) fn flush(&self, timeout: Duration) {
        self.writer.update(timeout, |_| {});
    }

    /// The run crashed. Waits for the disk.
    pub(crate) fn crashed(&self, cause: String) -> PreviousRun {
        let previous = self.crashed_later(cause);
        self.flush(UPDATE_TIMEOUT);
        previous
    }

    /// The run crashed. Not waited for: the disk may be slow, and the hooks need not wait.
    pub(crate) fn crashed_later(&self, cause: String) -> PreviousRun {
        let when = Moment::now();
        let crash = Crash {
            cause,
            pid: self.own.pid,
            service: Some(self.service.clone()),
            uptime_ms: millis(self.uptime(&when)),
            when,
            counted: None,
            wait_ms: None,
            waited_ms: 0,
        };
        let previous = crash.as_previous();
        let mark = self.marked(RunState::Crashed, None);
        self.writer.update_later(move |record| {
            record.add_crash(crash.clone());
            mark(record);
        });
        previous
    }

    /// Whether another process, or another image of this one, would find what was written.
    pub(crate) fn is_durable(&self) -> bool {
        self.writer.is_durable()
    }

    fn uptime(&self, now: &Moment) -> Duration {
        self.started.as_ref().map(|started| now.since(started)).unwrap_or_default()
    }

    fn marked(
        &self,
        state: RunState,
        failure: Option<String>,
    ) -> impl Fn(&mut Record) + Send + Sync + 'static {
        let (process, since) = (self.own.clone(), Moment::now());
        let uptime_ms = millis(self.uptime(&since));
        let service = Some(self.service.clone());
        let mark = Mark { state, process, since, uptime_ms, crash_note: None, failure, service };
        move |record| record.set_mark(mark.clone())
    }
}

/// Decides about the service's crashes that were not answered yet, each by those before it.
fn answer(record: &mut Record, service: &str, policy: RestartPolicy, now: &Moment) {
    let ours: Vec<Crash> = record.crashes.iter().filter(|crash| crash.is_of(service)).cloned().collect();
    for (index, crash) in ours.iter().enumerate() {
        if crash.wait_ms.is_none() {
            let decision = policy.decide(&record.history(service, now)[..=index]);
            record.answer(crash, decision);
        }
    }
}

/// What is left of the newest crash's wait.
fn admission(record: &Record, service: &str, policy: RestartPolicy, now: &Moment) -> Admission {
    let Some(newest) = record.newest(service) else { return Admission { wait: Duration::ZERO, crashes: 0 } };
    // Time that passed since the crash, or in a wait that was cut short, has been waited already.
    let served = Duration::from_millis(newest.waited_ms).max(now.since(&newest.when));
    // The moment that it took to get here is not worth a fraction in the wait.
    let served = if served < MOMENT { Duration::ZERO } else { served };
    // Never longer than the longest wait, whatever a clock did to the file.
    let wait = newest.wait().unwrap_or_default().min(policy.max_wait).saturating_sub(served);
    Admission { wait, crashes: newest.counted.unwrap_or(1) }
}
