//! The ledger: crash memory that outlives the process, in `.restart_count`.

mod file;
mod format;

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Restart;
use crate::ledger::file::Contents;
use crate::ledger::format::{Crash, Mark, Record, RunState, VERSION};
use crate::log;
use crate::process::{Identity, Moment};
use crate::restart::{Decision, RestartPolicy};

const IN_MEMORY: &str = "crashes are counted in memory only, so not across processes";

/// Shorter than any wait that means something.
const MOMENT: Duration = Duration::from_millis(100);

/// Written at each change, read again before it: another process may have added its own.
pub(crate) struct Ledger {
    path: PathBuf,
    policy: RestartPolicy,
    own: Identity,
    /// What was last known; all there is while the file cannot be used.
    record: Record,
    /// Trouble with the file is told once.
    warned: bool,
    started: Option<Moment>,
}

impl Ledger {
    /// Touches the file only when there is something to be asked or told.
    pub(crate) fn new(restart: Restart) -> Ledger {
        Ledger {
            path: restart.file,
            policy: restart.policy,
            own: Identity::own(),
            record: Record { version: VERSION, ..Record::default() },
            warned: false,
            started: None,
        }
    }

    /// Answers the newest crash, if it was not answered yet: how long to wait before main may run. Runs whose process
    /// is gone without a word are crashes, too.
    pub(crate) fn admit(&mut self) -> Decision {
        let policy = self.policy;
        let (own, now) = (self.own.clone(), Moment::now());
        let mut decision = Decision { wait: Duration::ZERO, crashes: 0 };
        self.update(|record| {
            bury(record, &own, &now);
            decision.crashes = policy.decide(&record.history(&now)).crashes;
            let history = record.history(&now);
            let Some(newest) = record.crashes.last_mut() else { return };
            let wait = match newest.wait_ms {
                Some(wait_ms) => Duration::from_millis(wait_ms),
                None => policy.decide(&history).wait,
            };
            newest.wait_ms = Some(millis(wait));
            // Time that passed since the crash, or in a wait that was cut short, has been waited already.
            // Never longer than the longest wait, whatever a clock did to the file.
            let served = Duration::from_millis(newest.waited_ms).max(now.since(&newest.when));
            // The moment that it took to get here is not worth a fraction in the wait.
            let served = if served < MOMENT { Duration::ZERO } else { served };
            decision.wait = wait.min(policy.max_wait).saturating_sub(served);
        });
        decision
    }

    /// The wait after the newest crash was spent.
    pub(crate) fn waited(&mut self, waited: Duration) {
        self.update(|record| {
            let newest = record.crashes.last_mut();
            newest.into_iter().for_each(|crash| crash.waited_ms += millis(waited));
        });
    }

    /// A run of main begins.
    pub(crate) fn running(&mut self) {
        let now = Moment::now();
        self.started = Some(now.clone());
        self.mark(RunState::Running, now);
    }

    /// A shutdown that was asked for has begun.
    pub(crate) fn stopping(&mut self) {
        self.mark(RunState::Stopping, Moment::now());
    }

    /// Exit code 0.
    pub(crate) fn clean(&mut self) {
        self.mark(RunState::Clean, Moment::now());
    }

    /// The run crashed.
    pub(crate) fn crashed(&mut self, cause: String) {
        let now = Moment::now();
        let uptime = self.started.as_ref().map(|started| now.since(started)).unwrap_or_default();
        let (pid, when) = (self.own.pid, now.clone());
        let crash = Crash { cause, when, pid, uptime_ms: millis(uptime), wait_ms: None, waited_ms: 0 };
        let own = self.own.clone();
        self.update(|record| {
            record.add_crash(crash);
            set_mark(record, RunState::Crashed, own, now);
        });
    }

    /// Whether another image of this process would find what this one has written.
    pub(crate) fn is_durable(&self) -> bool {
        !self.warned
    }

    fn mark(&mut self, state: RunState, since: Moment) {
        let own = self.own.clone();
        self.update(|record| set_mark(record, state, own, since));
    }

    /// Under the lock: what stands in the file, changed, written. Any trouble costs one warning, never the service.
    fn update(&mut self, change: impl FnOnce(&mut Record)) {
        if file::is_device(&self.path) {
            change(&mut self.record);
            return self.warn(&format!("a device or a socket: {IN_MEMORY}"));
        }
        let lock = file::lock(&self.path);
        match file::read(&self.path) {
            Contents::Missing => {}
            Contents::Record(record) => self.record = record,
            Contents::Bad(reason) => self.set_aside(&reason),
            Contents::Foreign(reason) => {
                change(&mut self.record);
                return self.warn(&format!("{reason}: {IN_MEMORY}"));
            }
        }
        let before = self.record.clone();
        change(&mut self.record);
        if self.record == before {
            return;
        }
        let written = file::write(&self.path, &self.record.to_bytes());
        if let Err(error) = lock.map(drop).and(written) {
            self.warn(&format!("{error}: {IN_MEMORY}"));
        }
    }

    fn set_aside(&mut self, reason: &str) {
        match file::set_aside(&self.path) {
            Ok(aside) => {
                self.warn(&format!("not a ledger ({reason}): kept as {}, a new one begins", aside.display()));
            }
            Err(error) => self.warn(&format!("not a ledger ({reason}), and it cannot be set aside: {error}")),
        }
    }

    fn warn(&mut self, text: &str) {
        if !std::mem::replace(&mut self.warned, true) {
            log::warn(format!("restart ledger {}: {text}", self.path.display()));
        }
    }
}

/// Runs whose process is gone: those that were still running crashed.
fn bury(record: &mut Record, own: &Identity, now: &Moment) {
    let (alive, gone): (Vec<Mark>, Vec<Mark>) =
        std::mem::take(&mut record.runs).into_iter().partition(|mark| {
            let same_boot = mark.since.boot == now.boot;
            mark.process != *own && same_boot && mark.process.is_alive()
        });
    record.runs = alive;
    for mark in gone.into_iter().filter(|mark| mark.state == RunState::Running) {
        let uptime = now.since(&mark.since);
        record.add_crash(Crash {
            cause: "killed without a trace (SIGKILL, out of memory, abort or power)".to_owned(),
            when: now.clone(),
            pid: mark.process.pid,
            uptime_ms: millis(uptime),
            wait_ms: None,
            waited_ms: 0,
        });
    }
}

fn set_mark(record: &mut Record, state: RunState, process: Identity, since: Moment) {
    record.runs.retain(|mark| mark.process != process);
    record.runs.push(Mark { state, process, since });
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
