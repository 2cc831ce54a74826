//! What the watchdog makes of a heartbeat, tick by tick.

use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use super::{Arm, Heartbeat};
use crate::os::clock::millis;

impl Heartbeat {
    /// Whether no beat is expected: it is paused or retired, or is judged during calls only and none is under way.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.is_excused() || (self.arm == Arm::Call && self.calls() == 0)
    }

    /// Whether not even its calls are judged.
    pub(crate) fn is_excused(&self) -> bool {
        self.is_paused() || self.is_retired() || self.rests.load(Relaxed)
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Relaxed) == self.beats()
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Acquire) > 0
    }

    /// How long it, or the call of it that is worst off, has not beaten, as the watchdog counted at its last tick.
    pub(crate) fn stale(&self) -> Duration {
        Duration::from_millis(self.stale.load(Relaxed).into())
    }

    /// How long no call of it has beaten.
    pub(crate) fn quiet(&self) -> Duration {
        Duration::from_millis(self.quiet.load(Relaxed).into())
    }

    /// Calls under way, as the watchdog counted them at its last tick.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Relaxed)
    }

    pub(in crate::watchdog) fn set_calls(&self, calls: u32) {
        self.calls.store(calls, Relaxed);
    }

    pub(in crate::watchdog) fn index(&self) -> usize {
        self.index.load(Relaxed) as usize
    }

    pub(in crate::watchdog) fn set_index(&self, index: usize) {
        self.index.store(index as u32, Relaxed);
    }

    /// Whether the watchdog has seen a beat of it in this run.
    pub(crate) fn has_beaten(&self) -> bool {
        self.beaten.load(Relaxed)
    }

    /// How long it may go without a beat, as the watchdog last judged it.
    pub(crate) fn allowed(&self) -> Duration {
        Duration::from_millis(self.allowed.load(Relaxed).into())
    }

    /// `stale`: of the call that is worst off, if there is one.
    pub(crate) fn set_stale(&self, quiet: Duration, stale: Duration, allowed: Duration, beaten: bool) {
        self.quiet.store(short(quiet), Relaxed);
        self.stale.store(short(stale.max(quiet)), Relaxed);
        self.allowed.store(short(allowed), Relaxed);
        self.beaten.store(beaten, Relaxed);
        self.note_next_beat();
    }
}

/// Milliseconds, up to seven weeks.
fn short(duration: Duration) -> u32 {
    u32::try_from(millis(duration)).unwrap_or(u32::MAX)
}
