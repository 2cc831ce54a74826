//! Who is behind a stale heartbeat, as far as that is known: the call, its task, its thread; and what would help. Allocates
//! nothing and takes no lock.

use std::fmt::{self, Display};
use std::time::Duration;

use crate::model::place::Place;
use crate::tasks::tracked::{TrackedTask, live_tasks};
use crate::watchdog::call_state::{self, CallState};
use crate::watchdog::heartbeat::{Arm, Heartbeat, Kind};
use crate::watchdog::message::{HalfTime, Stale};

/// The call of a heartbeat that is worst off; of one that is beaten by hand, the task that has beaten it.
#[derive(Clone, Copy)]
pub(crate) struct Culprit {
    call: Option<CallState>,
    task: Option<&'static TrackedTask>,
    /// How long it has not beaten.
    age: Duration,
}

impl Culprit {
    pub(crate) fn of(heartbeat: &'static Heartbeat) -> Option<Culprit> {
        let Some(call) = call_state::worst(heartbeat) else { return Culprit::beater(heartbeat) };
        let task = live_tasks().find(|task| task.address() == call.caller.task);
        Some(Culprit { call: Some(call), task, age: call.age })
    }

    /// Between two calls of an annotated function its caller may be done with it.
    fn beater(heartbeat: &Heartbeat) -> Option<Culprit> {
        let beater = heartbeat.beater().filter(|_| heartbeat.kind() == Kind::Manual)?;
        let task = live_tasks().find(|task| task.number() == beater)?;
        Some(Culprit { call: None, task: Some(task), age: heartbeat.stale() })
    }

    /// The await that it was last at.
    pub(super) fn awaits_at(&self, heartbeat: &Heartbeat) -> Option<&'static Place> {
        self.call?.inside.filter(|inside| **inside != heartbeat.place())
    }

    /// Of a tracked task, which is known by its address.
    pub(super) fn is_in(&self, task: usize) -> bool {
        self.task.is_some_and(|its| its.address() == task)
    }

    /// The thread that it keeps busy; 0 if that is not known, or there is none.
    pub(super) fn thread(&self) -> u32 {
        let of_task = |task: &TrackedTask| {
            let snapshot = task.snapshot();
            // By ticks, of which a younger one may have held up the older.
            let is_long = snapshot.polls > 0 && snapshot.age.0 >= Some(self.age.mul_f64(0.75));
            if is_long { snapshot.thread } else { 0 }
        };
        match self.call {
            Some(call) if call.caller.thread > 0 => call.caller.thread,
            _ => self.task.map_or(0, of_task),
        }
    }

    /// How long ago the task of an `async` call was polled, if it does not hang.
    fn polled_ago(&self) -> Option<Duration> {
        let snapshot =
            self.task.filter(|_| self.call.is_some_and(|call| call.caller.thread == 0))?.snapshot();
        let ago = if snapshot.thread == 0 { snapshot.age.0? } else { Duration::ZERO };
        let is_long = snapshot.thread != 0 && snapshot.age.0 > Some(self.age / 2);
        (!is_long && ago < self.age / 2).then_some(ago)
    }
}

/// The verdict, in full.
pub(crate) struct Verdict(pub(crate) &'static Heartbeat);

/// The warning at half of the time that it may take, in full.
pub(crate) struct Warning(pub(crate) &'static Heartbeat);

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Stale(self.0), Remark(self.0))
    }
}

impl Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", HalfTime(self.0), Remark(self.0))
    }
}

/// In which task it is, and what to change where that is the likely cause.
struct Remark(&'static Heartbeat);

impl Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Remark(heartbeat) = self;
        let culprit = Culprit::of(heartbeat);
        if let Some(Culprit { call, task: Some(task), .. }) = culprit {
            let is = if call.is_some() { "in" } else { "beaten by" };
            write!(f, ", {is} task `{}`", task.snapshot().name)?;
        }
        match (heartbeat.kind(), culprit) {
            (Kind::Runtime | Kind::Init, _) => Ok(()),
            (Kind::Annotated, None) => never_called(f, heartbeat),
            (Kind::Annotated, Some(culprit)) => still_polled(f, culprit),
            (Kind::Manual, _) if is_anything_held_up(heartbeat) => Ok(()),
            (Kind::Manual, _) => f.write_str("; if its work is done, say so with `retire()`"),
        }
    }
}

fn never_called(f: &mut fmt::Formatter<'_>, heartbeat: &Heartbeat) -> fmt::Result {
    if heartbeat.has_beaten() {
        return f.write_str(
            "; its function has returned and nobody calls it: if that may be, declare it with `arm = \"call\"`",
        );
    }
    match heartbeat.arm() {
        Arm::Start => f.write_str(
            "; its function was never called: if that may be, declare it with `arm = \"first_beat\"` or \"call\"",
        ),
        Arm::FirstBeat | Arm::Call => Ok(()),
    }
}

fn still_polled(f: &mut fmt::Formatter<'_>, culprit: Culprit) -> fmt::Result {
    let Some(ago) = culprit.polled_ago() else { return Ok(()) };
    write!(
        f,
        "; that task was polled {:.1} s ago: if the call goes on with its work, beat in a loop of its body, or raise `timeout`",
        ago.as_secs_f64()
    )
}

/// Whether a task does not leave its poll: then whatever beats by hand may wait for it.
fn is_anything_held_up(heartbeat: &Heartbeat) -> bool {
    live_tasks().any(|task| {
        let snapshot = task.snapshot();
        snapshot.thread != 0 && snapshot.polls > 0 && snapshot.age.0 > Some(heartbeat.stale() / 2)
    })
}
