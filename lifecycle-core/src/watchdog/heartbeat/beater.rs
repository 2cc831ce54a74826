//! Which task beats a heartbeat: looked at once in each tick of the watchdog, so that a beat costs no more for it.

use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::Heartbeat;
use super::known::all;

/// The number of the tracked task that the calling thread works for; 0 is none.
pub(crate) type CurrentTask = fn() -> u64;

static CURRENT_TASK: OnceLock<CurrentTask> = OnceLock::new();

const UNKNOWN: u64 = 0;

/// Several tasks beat it, or what is no tracked task.
const OTHERS: u64 = u64::MAX;

/// To be called once, before the first run.
pub(crate) fn set_current_task(current: CurrentTask) {
    let _ = CURRENT_TASK.set(current);
}

/// Heartbeats of a task that waits: until it is dropped, or somebody else beats them, they are not judged.
#[must_use]
pub(crate) struct AtRest(Vec<&'static Heartbeat>);

/// Those that no one but this task was seen to beat in this run.
pub(crate) fn rest_those_of(task: u64) -> AtRest {
    AtRest(all().filter(|heartbeat| task != UNKNOWN && heartbeat.rest(task)).collect())
}

impl Drop for AtRest {
    fn drop(&mut self) {
        for heartbeat in &self.0 {
            if heartbeat.rests.swap(false, SeqCst) {
                heartbeat.beat();
            }
        }
    }
}

impl Heartbeat {
    /// The number of the tracked task that beats it in this run, if it is known and the only one.
    pub(crate) fn beater(&self) -> Option<u64> {
        Some(self.beater.load(Relaxed)).filter(|beater| ![UNKNOWN, OTHERS].contains(beater))
    }

    /// At the first beat, and at the first one after each tick.
    #[cold]
    pub(super) fn note(&'static self) {
        self.link();
        self.is_noted.store(true, Relaxed);
        let current = CURRENT_TASK.get().map_or(UNKNOWN, |current| current());
        let beater = match self.beater.load(Relaxed) {
            UNKNOWN if current != UNKNOWN => current,
            same if same == current && current != UNKNOWN => same,
            _ => OTHERS,
        };
        // SeqCst, with `rest`: if both come at a time, one of them sees the other.
        self.beater.store(beater, SeqCst);
        if beater == OTHERS {
            self.rests.store(false, SeqCst);
        }
    }

    fn rest(&'static self, task: u64) -> bool {
        let is_beaten_by_it = || self.beater.load(SeqCst) == task;
        if is_beaten_by_it() {
            self.rests.store(true, SeqCst);
            if !is_beaten_by_it() {
                self.rests.store(false, SeqCst);
            }
        }
        self.rests.load(Relaxed)
    }

    pub(in crate::watchdog) fn note_next_beat(&self) {
        self.is_noted.store(false, Relaxed);
    }

    pub(super) fn forget_beater(&self) {
        self.beater.store(UNKNOWN, Relaxed);
        self.note_next_beat();
    }
}
