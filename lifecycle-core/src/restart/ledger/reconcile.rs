//! What became of runs whose process is gone: those that never said goodbye crashed.

use crate::model::last_seen::LastSeen;
use crate::model::previous_run::{Ending, PreviousRun};
use crate::os::clock::Moment;
use crate::os::clock::millis;
use crate::os::crash_marker;
use crate::os::process::Identity;
use crate::restart::ledger::crash::Crash;
use crate::restart::ledger::format::{Mark, Record, RunState};
use crate::restart::ledger::program::Program;

/// Counts the gone runs that were still running as crashes, and keeps the mark of each service's newest gone one.
pub(crate) fn reconcile_dead_runs(record: &mut Record, own: &Identity, now: &Moment) {
    let runs = std::mem::take(&mut record.runs);
    let (alive, mut gone): (Vec<Mark>, Vec<Mark>) = runs.into_iter().partition(|mark| {
        let same_boot = mark.since.boot == now.boot;
        mark.process != *own && same_boot && mark.process.is_alive()
    });
    for mark in &mut gone {
        match mark.state {
            // From now on its mark says when it ended, as those that said goodbye do, at the latest: it tells which one was the last.
            RunState::Running if mark.left_on_purpose() => {
                mark.since = said_at(mark, now).unwrap_or_else(|| mark.since.clone());
                mark.state = RunState::Clean;
            }
            RunState::Running => {
                let crash = unrecorded(mark, now);
                mark.uptime_ms = crash.uptime_ms;
                mark.since = said_at(mark, now).unwrap_or_else(|| now.clone());
                record.add_crash(crash);
                mark.state = RunState::Crashed;
            }
            RunState::Stopping => mark.state = RunState::Unfinished,
            RunState::Unfinished | RunState::Incomplete | RunState::Clean | RunState::Crashed => {}
        }
    }
    gone.sort_by_key(|mark| std::cmp::Reverse(mark.since.at));
    record.runs = alive;
    // Of each service the newest.
    for mark in gone {
        if !record.runs.iter().any(|kept| !kept.may_live() && kept.service == mark.service) {
            record.runs.push(mark);
        }
    }
}

impl Mark {
    /// Whether it called `exit` with a code that is no crash.
    fn left_on_purpose(&self) -> bool {
        self.crash_note.as_ref().is_some_and(|note| note.said.starts_with(crash_marker::LEFT))
    }
}

/// The crash of a process that could not record it itself. When it died is known if it said so, else now at the latest.
fn unrecorded(mark: &Mark, now: &Moment) -> Crash {
    let (words, died) = (mark.crash_note.as_ref(), said_at(mark, now));
    let seen = mark.last_seen.as_ref().filter(|_| words.is_none());
    let when = died.or_else(|| Some(seen_at(mark, seen?, now))).unwrap_or_else(|| now.clone());
    let cause = match (words, seen) {
        (Some(words), _) => words.said.clone(),
        (None, Some(seen)) => format!("killed: {seen}").chars().take(500).collect(),
        (None, None) => KILLED.to_owned(),
    };
    Crash {
        last_seen: seen.cloned(),
        service: mark.service.clone(),
        build: mark.build.clone(),
        uptime_ms: millis(when.since(&mark.since)),
        ..Crash::new(cause, when, mark.process.pid)
    }
}

/// When it left its note.
fn said_at(mark: &Mark, now: &Moment) -> Option<Moment> {
    let note = mark.crash_note.as_ref()?;
    now.earlier(note.since_boot_ms).filter(|_| mark.since.boot == now.boot)
}

/// The moment of the recorder's last tick. Of another boot its own clock is not known any more: it is told from the begin.
fn seen_at(mark: &Mark, seen: &LastSeen, now: &Moment) -> Moment {
    let here = now.earlier(now.since_boot_ms.saturating_sub(millis(seen.ago)));
    here.filter(|_| mark.since.boot == now.boot).unwrap_or_else(|| {
        let up = seen.at.duration_since(mark.since.at).unwrap_or_default();
        let since_boot_ms = mark.since.since_boot_ms.saturating_add(millis(up));
        Moment { at: seen.at, boot: mark.since.boot.clone(), since_boot_ms }
    })
}

/// SIGKILL, by hand or by the kernel's OOM killer, or the power.
const KILLED: &str = "killed without a trace (SIGKILL, out of memory, or power)";

/// How the run before this one ended: that of the newest process that is gone. To be asked after [`reconcile_dead_runs`].
pub(crate) fn previous(record: &Record, program: &Program) -> Option<PreviousRun> {
    let gone = |mark: &&Mark| {
        let ours = mark.service.as_deref().is_none_or(|own| own == program.service);
        ours && !matches!(mark.state, RunState::Running | RunState::Stopping)
    };
    let mark = record.runs.iter().rfind(gone)?;
    let pid = mark.process.pid;
    let crash = record.crashes.iter().rfind(|crash| crash.pid == pid);
    Some(match (mark.state, crash) {
        (RunState::Crashed, Some(crash)) => crash.as_previous(program),
        (state, _) => PreviousRun {
            pid,
            ending: match state {
                RunState::Clean => Ending::Clean,
                RunState::Unfinished => Ending::Unfinished,
                RunState::Incomplete => {
                    Ending::Incomplete(mark.failure.clone().unwrap_or_else(|| "something failed".into()))
                }
                _ => Ending::Crashed("its crash is not listed any more".into()),
            },
            at: mark.since.at,
            uptime: std::time::Duration::from_millis(mark.uptime_ms),
            build: mark.build.clone(),
            other_build: !program.is_build(mark.build.as_deref()),
            permanent: false,
            retry_after: None,
            last_seen: mark.last_seen.clone().filter(|_| state == RunState::Unfinished),
        },
    })
}

impl Crash {
    /// How its run ended.
    pub(crate) fn ending(&self) -> Ending {
        let killed = self.cause == KILLED || self.last_seen.is_some();
        if killed { Ending::Killed } else { Ending::Crashed(self.cause.clone()) }
    }

    pub(crate) fn as_previous(&self, program: &Program) -> PreviousRun {
        PreviousRun {
            pid: self.pid,
            ending: self.ending(),
            at: self.when.at,
            uptime: self.uptime(),
            build: self.build.clone(),
            other_build: !program.is_build(self.build.as_deref()),
            permanent: self.is_permanent(),
            retry_after: self.retry_after(),
            last_seen: self.last_seen.clone(),
        }
    }
}
