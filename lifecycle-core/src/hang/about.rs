//! What a report is about, and what it says before anybody is looked into.

use std::fmt::Write;

use crate::model::place::Place;
use crate::os::text::Text;
use crate::tasks::tracked::TrackedTask;
use crate::watchdog::heartbeat::{self, Heartbeat};
use crate::watchdog::message::Stale;

/// The occasion.
pub(crate) enum About {
    /// The verdict fell.
    Hang(&'static Heartbeat),
    /// Half of its time is over.
    HalfTime(&'static Heartbeat),
    /// A hook is late.
    Late,
    /// A task does not leave its poll.
    Frozen(&'static TrackedTask),
    /// Somebody asked.
    Asked,
}

impl About {
    /// Where the stale heartbeat's function awaits.
    pub(super) fn crumb(&self) -> Option<(&'static Heartbeat, &'static Place)> {
        let (About::Hang(heartbeat) | About::HalfTime(heartbeat)) = *self else { return None };
        heartbeat.inside().filter(|inside| **inside != heartbeat.place()).map(|inside| (heartbeat, inside))
    }

    pub(super) fn title(&self, out: &mut dyn Write) {
        let pid = std::process::id();
        let _ = match self {
            About::Hang(_) => write!(out, "hang report of process {pid}:"),
            About::HalfTime(heartbeat) => {
                write!(out, "hang report of process {pid} at half-time of heartbeat `{}`:", heartbeat.name())
            }
            About::Late => write!(out, "hang report of process {pid}, for a hook that is late:"),
            About::Frozen(task) => {
                let snapshot = task.snapshot();
                let (name, age) = (snapshot.name.as_str(), snapshot.age);
                write!(
                    out,
                    "WARN lifecycle: task `{name}` has been in one poll for {age}, while heartbeats go on\n\
                     hang report of process {pid}:"
                )
            }
            About::Asked => write!(out, "hang report of process {pid}, which goes on:"),
        };
    }

    /// Every heartbeat that is not fresh, those of the runtime too.
    pub(super) fn heartbeats(&self, out: &mut dyn Write) {
        let About::Hang(hung) = self else { return };
        // The built-in one says something only if it is late itself.
        let is_told = |other: &&Heartbeat| std::ptr::eq(*other, *hung) || !other.is_probe();
        for heartbeat in heartbeat::all().filter(is_told).filter(|heartbeat| !heartbeat.stale().is_zero()) {
            let _ = writeln!(out, "  {}", Stale(heartbeat));
        }
    }
}

/// The lines of tasks, for a report without stacks.
pub(super) fn task_line(task: &TrackedTask) -> Text<400> {
    let snapshot = task.snapshot();
    let mut line = Text::new();
    let _ = write!(line, "  `{}`", snapshot.name.as_str());
    if let Some(place) = snapshot.place {
        let _ = write!(line, " ({place})");
    }
    let (age, polls) = (snapshot.age, snapshot.polls);
    let _ = match snapshot.thread {
        0 => write!(line, ": idle; last polled {age} ago, {polls} polls"),
        thread => write!(line, ": in poll {polls} on thread {thread} for {age}"),
    };
    line
}
