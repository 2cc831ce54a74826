//! The ledger: crash memory that outlives the process, in `.restart_count`.
//!
//! The framework keeps it; [`read`] shows it to people and programs.

mod admission;
mod crash;
mod crash_note;
mod file;
mod flight;
mod format;
mod history;
mod program;
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
use crate::model::failure::Meaning;
use crate::model::previous_run::PreviousRun;
use crate::os::clock::Moment;
use crate::os::clock::millis;
use crate::os::flight as flight_recorder;
use crate::os::process::Identity;
use crate::restart::ledger::admission::{admission, answer};
use crate::restart::ledger::format::{Mark, Record, RunState};
use crate::restart::ledger::program::Program;
use crate::restart::ledger::reconcile::reconcile_dead_runs;
use crate::restart::ledger::writer::{LedgerWriter, UPDATE_TIMEOUT};
use crate::restart::policy::Decision;

pub(crate) use admission::{Admission, Reason};
pub use crash::Crash;
pub(crate) use file::crash_note_file;
pub use history::{History, ReadError, read};
#[cfg(fuzzing)]
pub use rehearse::{rehearse, rehearse_flight};

/// What the last mark may take: a clean end that did not reach the disk would look like a crash.
const LAST: Duration = Duration::from_secs(5);

/// What the shared store says at a start.
#[derive(Default)]
struct Shared {
    decisions: Vec<(Crash, Decision)>,
    /// How long no replica may try, as a failure of one of them asked for.
    retry_after: Duration,
}

/// Written at each change, read again before it: another process may have added its own.
pub(crate) struct Ledger {
    writer: LedgerWriter,
    policy: RestartPolicy,
    program: Program,
    own: Identity,
    started: Option<Moment>,
    /// Whether `admit` has marked the run that begins.
    is_marked: bool,
    #[cfg(feature = "redis")]
    shared_store: Option<shared_store::SharedStore>,
}

impl Ledger {
    /// Touches the file only when there is something to read or write.
    pub(crate) fn new(restart: Restart) -> Ledger {
        Ledger {
            policy: restart.policy,
            program: Program::current(restart.service.clone()),
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
        let (moment, program) = (now.clone(), self.program.clone());
        let previous = Arc::new(OnceLock::new());
        let found = previous.clone();
        let mut record = self.writer.update(UPDATE_TIMEOUT, move |record| {
            reconcile_dead_runs(record, &own, &moment);
            let _ = found.set(reconcile::previous(record, &program));
            if alone {
                answer(record, &program, policy, &moment);
            }
            if let Some(mark) = &mark
                && admission(record, &program, policy, &moment).wait.is_zero()
            {
                mark(record);
            }
        });
        let mut replicas = Duration::ZERO;
        if !alone {
            (record, replicas) = self.decide_with_replicas(&record, &now);
        }
        let previous = previous.get().cloned().flatten();
        let mut admission = admission(&record, &self.program, policy, &now);
        if replicas.min(policy.max_retry_after) > admission.wait {
            admission.wait = replicas.min(policy.max_retry_after);
            admission.reason = Reason::Replica;
        }
        self.is_marked = begins && alone && admission.wait.is_zero();
        (admission, previous)
    }

    /// The record with what was decided, and how long no replica may try.
    fn decide_with_replicas(&self, record: &Record, now: &Moment) -> (Record, Duration) {
        let (policy, program, now) = (self.policy, self.program.clone(), now.clone());
        let Shared { decisions, retry_after } = self.ask_shared_store(record, &now);
        let record = self.writer.update(UPDATE_TIMEOUT, move |record| {
            decisions.iter().for_each(|(crash, decision)| record.answer(crash, *decision));
            answer(record, &program, policy, &now);
        });
        (record, retry_after)
    }

    fn has_shared_store(&self) -> bool {
        #[cfg(feature = "redis")]
        return self.shared_store.is_some();
        #[cfg(not(feature = "redis"))]
        false
    }

    /// What the replicas together decide about the crashes that were not answered yet, and what they were asked for.
    #[cfg(feature = "redis")]
    fn ask_shared_store(&self, record: &Record, now: &Moment) -> Shared {
        let Some(shared_store) = &self.shared_store else { return Shared::default() };
        let ours = |crash: &&Crash| crash.wait_ms.is_none() && crash.is_of(&self.program);
        let mut shared = Shared::default();
        for crash in record.crashes.iter().filter(ours) {
            let decision = shared_store.answer(crash, &self.program, record, now);
            shared.decisions.extend(decision.map(|decision| (crash.clone(), decision)));
        }
        shared.retry_after = shared_store.retry_after(&self.program);
        shared
    }

    #[cfg(not(feature = "redis"))]
    fn ask_shared_store(&self, _: &Record, _: &Moment) -> Shared {
        Shared::default()
    }

    /// The wait after the newest crash was spent.
    pub(crate) fn waited(&self, waited: Duration) {
        let (waited, program) = (millis(waited), self.program.clone());
        self.writer.update_later(move |record| {
            let newest = record.crashes.iter_mut().rfind(|crash| crash.is_of(&program));
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
    pub(crate) fn crashed(&self, cause: String, meaning: Option<Meaning>) -> PreviousRun {
        let previous = self.crashed_later(cause, meaning);
        self.flush(UPDATE_TIMEOUT);
        previous
    }

    /// The run crashed. Not waited for: the disk may be slow, and the hooks need not wait.
    pub(crate) fn crashed_later(&self, cause: String, meaning: Option<Meaning>) -> PreviousRun {
        let when = Moment::now();
        let uptime_ms = millis(self.uptime(&when));
        let mut crash = Crash {
            service: Some(self.program.service.clone()),
            build: self.program.build.clone(),
            uptime_ms,
            ..Crash::new(cause, when, self.own.pid)
        };
        crash.asks_for(meaning, &self.program);
        let previous = crash.as_previous(&self.program);
        let mark = self.marked(RunState::Crashed, None);
        self.writer.update_later(move |record| {
            record.add_crash(crash.clone());
            mark(record);
        });
        previous
    }

    /// Begins to record beside the ledger, if that is a file of ours that can be written.
    pub(crate) fn start_flight_recorder(&self) {
        if self.is_durable() {
            // Another process of the service records there, the disk is full, …: then nothing is recorded.
            let _ = flight_recorder::open(&flight_recorder::file(self.writer.path()));
        }
    }

    /// What the newest crash of this process asks for is more than was known when it was recorded.
    pub(crate) fn asks_for(&self, meaning: Meaning) {
        let (program, pid) = (self.program.clone(), self.own.pid);
        self.writer.update_later(move |record| {
            let newest = record.crashes.iter_mut().rfind(|crash| crash.is_of(&program) && crash.pid == pid);
            newest.into_iter().for_each(|crash| crash.asks_for(Some(meaning), &program));
        });
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
        let Program { service, build, .. } = self.program.clone();
        let service = Some(service);
        let mark = Mark {
            state,
            process,
            since,
            uptime_ms,
            crash_note: None,
            failure,
            service,
            build,
            last_seen: None,
        };
        move |record| record.set_mark(mark.clone())
    }
}
