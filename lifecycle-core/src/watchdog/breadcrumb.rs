//! What `#[lifecycle::heartbeat]` puts into a function: beats on entry, exit and each round, a breadcrumb at each await.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::WATCHDOG;
use super::calls::{self, Caller, Slot};
use crate::model::place::Place;
use crate::watchdog::heartbeat::{Arm, Heartbeat};

/// The heartbeat of an annotated function.
#[must_use]
pub const fn heartbeat(name: &'static str, limit: Option<Duration>, arm: Arm, place: Place) -> Heartbeat {
    Heartbeat::declare(name, limit, arm, place)
}

/// One call of an annotated function.
pub struct Call {
    heartbeat: &'static Heartbeat,
    slot: &'static Slot,
}

impl Call {
    /// Beats, and again when it ends: by return, unwind or cancellation.
    #[inline]
    pub(crate) fn begin(heartbeat: &'static Heartbeat, caller: Caller) -> Call {
        let slot = calls::begin(heartbeat, WATCHDOG.run.load(Relaxed), caller);
        heartbeat.beat();
        Call { heartbeat, slot }
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("heartbeat", self.heartbeat).finish_non_exhaustive()
    }
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        self.slot.end();
        self.heartbeat.beat();
    }
}

/// A round of a loop begins.
#[inline]
pub fn round(call: &Call) {
    call.slot.beat();
    call.heartbeat.beat();
}

/// Returns `value`, an expression about to be awaited at `place`.
#[inline]
pub fn at<T>(value: T, call: &Call, place: &'static Place) -> T {
    call.slot.leave(place);
    value
}

/// An await is over: the function is in its own code again.
#[inline]
pub fn past(call: &Call) {
    call.slot.leave(call.heartbeat.declared());
}
