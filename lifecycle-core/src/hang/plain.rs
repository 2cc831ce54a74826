//! The report without stacks: heartbeats and tasks.

use std::fmt::{self, Display, Write};

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::About;
use super::about::{Message, now};
use crate::os::clock::millis;
use crate::os::text::Bytes;
use crate::tasks::tracked::{TrackedTask, live_tasks};
use crate::watchdog::heartbeat::Heartbeat;

/// Writes it, with what is said of stacks; allocates nothing.
pub(super) fn write(about: &About, stacks: &dyn Display, out: &mut dyn Write) {
    // What it writes to never fails: it cuts.
    if about.is_json() {
        let _ = serde_json::to_writer(Bytes(&mut *out), &Json(about, stacks));
        let _ = out.write_str("\n");
    } else {
        let _ = write_all(about, stacks, out);
    }
}

/// As `lifecycle-hang` has it, without suspects and threads.
struct Json<'a>(&'a About, &'a dyn Display);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Json(about, stacks) = self;
        let heartbeat = about.heartbeat();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("date", &format_args!("{}", now()))?;
        map.serialize_entry("process", &std::process::id())?;
        map.serialize_entry("kind", about.word())?;
        map.serialize_entry("heartbeat", &heartbeat.map(Heartbeat::name))?;
        map.serialize_entry("age_ms", &heartbeat.map(|heartbeat| millis(heartbeat.stale())))?;
        map.serialize_entry("message", &format_args!("{}", Message(about)))?;
        map.serialize_entry("inside", &about.crumb().map(|(_, place)| place))?;
        map.serialize_entry("tasks", &Tasks)?;
        map.serialize_entry("no_stacks", &format_args!("{stacks}"))?;
        map.end()
    }
}

struct Tasks;

impl Serialize for Tasks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut lines = serializer.serialize_seq(None)?;
        live_tasks().try_for_each(|task| lines.serialize_element(&format_args!("{}", Line(task))))?;
        lines.end()
    }
}

fn write_all(about: &About, stacks: &dyn Display, out: &mut dyn Write) -> fmt::Result {
    writeln!(out, "{}", about.title())?;
    if let Some((heartbeat, crumb)) = about.crumb() {
        writeln!(out, "SUSPECT heartbeat `{}`: at the await at {crumb}", heartbeat.name())?;
    }
    for task in live_tasks().filter(|task| task.snapshot().thread != 0) {
        writeln!(out, "SUSPECT task: {}", Line(task))?;
    }
    writeln!(out, "{}tasks:", about.heartbeats())?;
    for task in live_tasks() {
        writeln!(out, "  {}", Line(task))?;
    }
    writeln!(out, "{stacks}\nend of the hang report")
}

/// What is known of a task.
struct Line(&'static TrackedTask);

impl Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.0.snapshot();
        write!(f, "`{}`", snapshot.name)?;
        if let Some(place) = snapshot.place {
            write!(f, " ({place})")?;
        }
        let (age, polls) = (snapshot.age, snapshot.polls);
        match snapshot.thread {
            0 => write!(f, ": idle; last polled {age} ago, {polls} polls"),
            thread => write!(f, ": in poll {polls} on thread {thread} for {age}"),
        }
    }
}
