//! How calls stand, for messages, reports and the status.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::calls::{Caller, Slot, under_way};
use super::heartbeat::Heartbeat;
use crate::model::place::Place;
use crate::os::clock::{nanos, ticked};

/// How a call stands that is under way.
#[derive(Clone, Copy)]
pub(crate) struct CallState {
    /// The await that it was last at, or the function itself.
    pub(crate) inside: Option<&'static Place>,
    /// Without a beat, to the watchdog's last tick.
    pub(crate) age: Duration,
    pub(crate) caller: Caller,
}

impl CallState {
    fn of(slot: &Slot) -> CallState {
        let is_seen = slot.seen().beats.load(Relaxed) == slot.beats();
        let since = nanos(Duration::from_millis(ticked())).saturating_sub(slot.seen().since.load(Relaxed));
        let age = Duration::from_nanos(if is_seen { since } else { 0 });
        CallState { inside: slot.inside(), age, caller: slot.caller() }
    }
}

/// The calls of a heartbeat that are under way in this run.
pub(crate) fn of(heartbeat: &'static Heartbeat) -> impl Iterator<Item = CallState> {
    let run = super::run();
    let is_its = move |slot: &&Slot| slot.heartbeat(run).is_some_and(|its| std::ptr::eq(its, heartbeat));
    under_way().filter(is_its).map(CallState::of)
}

/// The one that is worst off; of calls that wait for each other the innermost.
pub(crate) fn worst(heartbeat: &'static Heartbeat) -> Option<CallState> {
    let is_worse = |call: &CallState, than: &CallState| {
        if call.caller.as_one { call.age < than.age } else { call.age > than.age }
    };
    of(heartbeat).reduce(|worst, call| if is_worse(&call, &worst) { call } else { worst })
}

impl Heartbeat {
    /// The `.await` that its function was last at, or the function itself; `None` between calls. Of several calls, of the one
    /// that has not beaten for longest.
    #[must_use]
    pub fn inside(&'static self) -> Option<&'static Place> {
        worst(self)?.inside
    }
}
