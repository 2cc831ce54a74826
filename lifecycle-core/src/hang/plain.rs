//! The report without stacks: heartbeats and tasks.

use std::fmt::Write;

use super::About;
use super::about::task_line;
use crate::tasks::tracked::live_tasks;

/// Writes it; allocates nothing.
pub(super) fn write(about: &About, out: &mut dyn Write) {
    let mut title = crate::os::text::Text::<256>::new();
    about.title(&mut title);
    let _ = writeln!(out, "{}", title.as_str());
    let mut heartbeats = crate::os::text::Text::<4096>::new();
    about.heartbeats(&mut heartbeats);
    if let Some((heartbeat, crumb)) = about.crumb() {
        let _ = writeln!(out, "SUSPECT heartbeat `{}`: at the await at {crumb}", heartbeat.name());
    }
    for task in live_tasks().filter(|task| task.snapshot().thread != 0) {
        let _ = writeln!(out, "SUSPECT task:{}", task_line(task).as_str());
    }
    if !heartbeats.is_empty() {
        let _ = write!(out, "heartbeats:\n{}", heartbeats.as_str());
    }
    let _ = writeln!(out, "tasks:");
    for task in live_tasks() {
        let _ = writeln!(out, "{}", task_line(task).as_str());
    }
    let _ = writeln!(out, "stacks of threads are told on Linux, with lifecycle's feature `stacks`");
    let _ = writeln!(out, "end of the hang report");
}
