//! The report without stacks: heartbeats and tasks.

use std::fmt::{self, Display, Write};

use super::About;
use crate::tasks::tracked::{TrackedTask, live_tasks};

/// Writes it, with what is said of stacks; allocates nothing.
pub(super) fn write(about: &About, stacks: &dyn Display, out: &mut dyn Write) {
    // What it writes to never fails: it cuts.
    let _ = write_all(about, stacks, out);
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
