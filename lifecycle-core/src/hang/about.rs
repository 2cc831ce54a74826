//! What a report is about, and what it says before anybody is looked into.

use std::fmt::{self, Display};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::culprit::{Culprit, Verdict, Warning};
use super::settings;
use crate::model::place::Place;
use crate::tasks::tracked::TrackedTask;
use crate::tasks::workers::Busy;
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
    /// A worker of the runtime has been busy for long.
    Worker(Busy),
    /// Somebody asked.
    Asked,
    /// Threads outlive the runtime. Always text, which is read here.
    LeftBehind,
}

impl About {
    /// The occasion, in a word.
    pub(super) fn word(&self) -> &'static str {
        match self {
            About::Hang(_) => "hang",
            About::HalfTime(..) => "half_time",
            About::Late => "late_hook",
            About::Frozen(_) => "long_poll",
            About::Worker(_) => "busy_worker",
            About::Asked | About::LeftBehind => "asked",
        }
    }

    /// Whether it is one line of JSON.
    pub(super) fn is_json(&self) -> bool {
        settings::is_json() && !matches!(self, About::LeftBehind)
    }

    pub(super) fn heartbeat(&self) -> Option<&'static Heartbeat> {
        match *self {
            About::Hang(heartbeat) | About::HalfTime(heartbeat, _) => Some(heartbeat),
            _ => None,
        }
    }

    /// The call that does not beat.
    pub(super) fn culprit(&self) -> Option<Culprit> {
        Culprit::of(self.heartbeat()?)
    }

    /// Where that call awaits.
    pub(super) fn crumb(&self) -> Option<(&'static Heartbeat, &'static Place)> {
        let heartbeat = self.heartbeat()?;
        Some((heartbeat, self.culprit()?.awaits_at(heartbeat)?))
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

/// What is said of it besides the report.
pub(super) struct Message<'a>(pub(super) &'a About);

impl Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let About::Hang(heartbeat) = self.0 {
            return Verdict(heartbeat).fmt(f);
        }
        if let About::HalfTime(heartbeat, _) = self.0 {
            return Warning(heartbeat).fmt(f);
        }
        if let About::Frozen(task) = self.0 {
            let snapshot = task.snapshot();
            let (name, age) = (snapshot.name, snapshot.age);
            write!(f, "task `{name}` has been in one poll for {age}, while heartbeats go on")?;
        }
        if let About::Worker(Busy { index, thread, time }) = self.0 {
            write!(f, "worker {index} of the runtime")?;
            if *thread != 0 {
                write!(f, " (thread {thread})")?;
            }
            write!(
                f,
                " has been busy for {:.1} s, with one poll or a few long ones: the other tasks in its queue wait",
                time.as_secs_f64()
            )?;
        }
        Ok(())
    }
}

pub(super) struct Title<'a>(&'a About);

impl Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let About::Frozen(_) | About::Worker(_) = self.0 {
            writeln!(f, "WARN lifecycle: {}", Message(self.0))?;
        }
        write!(f, "hang report of process {} at {}", std::process::id(), now())?;
        match self.0 {
            About::Hang(_) | About::Frozen(_) | About::Worker(_) => f.write_str(":"),
            About::HalfTime(heartbeat, left_out) => {
                write!(f, ", at half-time of heartbeat `{}`", heartbeat.name())?;
                match left_out {
                    0 => f.write_str(":"),
                    _ => write!(f, "; {left_out} more since the last report of it, an hour ago or longer:"),
                }
            }
            About::Late => f.write_str(", for a hook that is late:"),
            About::Asked | About::LeftBehind => f.write_str(", which goes on:"),
        }
    }
}

/// By a clock that may be set to anything; what humantime cannot show is a broken clock.
pub(super) fn now() -> humantime::Rfc3339Timestamp {
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_seconds(SystemTime::now().clamp(UNIX_EPOCH, last))
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
