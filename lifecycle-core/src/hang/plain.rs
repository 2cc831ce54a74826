//! The report without stacks: heartbeats and tasks.

use std::fmt::Write;

use super::About;
use super::about::task_line;
use crate::listen::ears;

/// Writes it; allocates nothing.
pub(super) fn write(about: &About, out: &mut dyn Write) {
    let mut title = super::Text::<256>::new();
    about.title(&mut title);
    let _ = writeln!(out, "{}", title.as_str());
    let mut heartbeats = super::Text::<4096>::new();
    about.heartbeats(&mut heartbeats);
    if let Some((heartbeat, crumb)) = about.crumb() {
        let _ = writeln!(out, "SUSPECT heartbeat `{}`: at the await at {crumb}", heartbeat.name());
    }
    for ear in ears().filter(|ear| ear.look().thread != 0) {
        let _ = writeln!(out, "SUSPECT task:{}", task_line(ear).as_str());
    }
    if !heartbeats.is_empty() {
        let _ = write!(out, "heartbeats:\n{}", heartbeats.as_str());
    }
    let _ = writeln!(out, "tasks:");
    for ear in ears() {
        let _ = writeln!(out, "{}", task_line(ear).as_str());
    }
    let _ = writeln!(out, "stacks of threads are told on Linux, with lifecycle's feature `stacks`");
    let _ = writeln!(out, "end of the hang report");
}
