//! What a report is about, and what it says before anybody is looked into.

use std::fmt::{self, Display};

use crate::model::place::Place;
use crate::tasks::tracked::TrackedTask;
use crate::watchdog::heartbeat::{self, Heartbeat};
use crate::watchdog::message::Stale;

/// The occasion.
pub(crate) enum About {
    /// The verdict fell.
    Hang(&'static Heartbeat),
    /// Half of its time is over. How often that came for the same cause since the last report of it.
    HalfTime(&'static Heartbeat, u32),
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
        let (About::Hang(heartbeat) | About::HalfTime(heartbeat, _)) = *self else { return None };
        heartbeat.inside().filter(|inside| **inside != heartbeat.place()).map(|inside| (heartbeat, inside))
    }

    /// The first line of its report.
    pub(super) fn title(&self) -> Title<'_> {
        Title(self)
    }

    /// The lines of heartbeats of its report.
    pub(super) fn heartbeats(&self) -> Heartbeats<'_> {
        Heartbeats(self)
    }
}

pub(super) struct Title<'a>(&'a About);

impl Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pid = std::process::id();
        match self.0 {
            About::Hang(_) => write!(f, "hang report of process {pid}:"),
            About::HalfTime(heartbeat, left_out) => {
                write!(f, "hang report of process {pid} at half-time of heartbeat `{}`", heartbeat.name())?;
                match left_out {
                    0 => f.write_str(":"),
                    _ => write!(f, "; {left_out} more since the last report of it, an hour ago or longer:"),
                }
            }
            About::Late => write!(f, "hang report of process {pid}, for a hook that is late:"),
            About::Frozen(task) => {
                let snapshot = task.snapshot();
                write!(
                    f,
                    "WARN lifecycle: task `{}` has been in one poll for {}, while heartbeats go on\n\
                     hang report of process {pid}:",
                    snapshot.name, snapshot.age
                )
            }
            About::Asked => write!(f, "hang report of process {pid}, which goes on:"),
        }
    }
}

/// Every heartbeat that is not fresh, those of the runtime too.
pub(super) struct Heartbeats<'a>(&'a About);

impl Display for Heartbeats<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let About::Hang(hung) = self.0 else { return Ok(()) };
        // The built-in one says something only if it is late itself.
        let is_told = |other: &&Heartbeat| std::ptr::eq(*other, *hung) || !other.is_probe();
        let mut heading = "heartbeats:\n";
        for heartbeat in heartbeat::all().filter(is_told).filter(|heartbeat| !heartbeat.stale().is_zero()) {
            writeln!(f, "{}  {}", std::mem::take(&mut heading), Stale(heartbeat))?;
        }
        Ok(())
    }
}
