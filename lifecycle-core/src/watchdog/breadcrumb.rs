//! What `#[lifecycle::heartbeat]` puts into a function: beats on entry, exit and each round, a breadcrumb at each await.

use std::time::Duration;

use crate::model::place::Place;
use crate::watchdog::heartbeat::{Arm, Heartbeat};

/// The heartbeat of an annotated function.
#[must_use]
pub const fn heartbeat(name: &'static str, limit: Option<Duration>, arm: Arm, place: Place) -> Heartbeat {
    Heartbeat::declare(name, limit, arm, place)
}

/// One call of an annotated function.
#[derive(Debug)]
pub struct Beat {
    heartbeat: &'static Heartbeat,
}

/// Beats, and again when the call ends: by return, unwind or cancellation.
pub fn enter(heartbeat: &'static Heartbeat) -> Beat {
    heartbeat.enter();
    Beat { heartbeat }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.heartbeat.exit();
    }
}

/// A round of a loop begins.
#[inline]
pub fn round(heartbeat: &'static Heartbeat) {
    heartbeat.beat();
}

/// Returns `value`, an expression about to be awaited at `place`.
#[inline]
pub fn at<T>(value: T, heartbeat: &'static Heartbeat, place: &'static Place) -> T {
    heartbeat.leave(Some(place));
    value
}

/// An await is over: the function is in its own code again.
#[inline]
pub fn past(heartbeat: &'static Heartbeat) {
    heartbeat.leave(Some(heartbeat.declared()));
}
