//! The polls of a service under test that leave a task waiting: counted, and each with its place.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::script::Script;
use crate::model::cause::{Cause, Signal};
use crate::tasks::on_poll::{self, OnPoll};
use crate::tasks::run::Run;

/// A poll that left main or a tracked task waiting.
pub(super) struct Poll {
    task: String,
    /// Where: several for a `select!`.
    places: Vec<Backtrace>,
}

impl Poll {
    /// `task `main` waits at src/app.rs:31`.
    pub(super) fn describe(&self) -> String {
        let mut lines: Vec<String> =
            self.places.iter().filter_map(|trace| user_lines(&trace.to_string())).collect();
        lines.sort_unstable();
        lines.dedup();
        match lines.as_slice() {
            [] => format!("task `{}` waits", self.task),
            lines => format!("task `{}` waits at {}", self.task, lines.join(" and ")),
        }
    }
}

/// So many lines of one place are shown.
const DEPTH: usize = 3;

/// Where code of whoever tests is, neither a library's nor ours, in a backtrace: `src/pump.rs:31 (from src/main.rs:7)`.
fn user_lines(trace: &str) -> Option<String> {
    const FOREIGN: [&str; 5] =
        ["/rustc/", "/.cargo/", "/registry/src/", "/lifecycle-core/src/", "/lifecycle-hang/src/"];
    let mut function = "";
    let mut lines: Vec<&str> = Vec::new();
    for line in trace.lines().map(str::trim) {
        let Some(place) = line.strip_prefix("at ") else {
            function = line.split_once(": ").map_or(line, |(_, name)| name);
            continue;
        };
        // What is behind is the test's harness.
        if function.contains("lifecycle_core::test::once::") && !lines.is_empty() {
            break;
        }
        let is_ours = function.trim_start_matches('<').starts_with("lifecycle_core::");
        if !is_ours && !FOREIGN.iter().any(|folder| place.contains(folder)) {
            // `file:line:column`.
            let place = place.rsplit_once(':').map_or(place, |(place, _)| place);
            let place = place.strip_prefix("./").unwrap_or(place);
            if lines.last() != Some(&place) {
                lines.push(place);
            }
        }
    }
    let (first, rest) = lines.split_first()?;
    let rest = &rest[..rest.len().min(DEPTH - 1)];
    Some(if rest.is_empty() { (*first).to_owned() } else { format!("{first} (from {})", rest.join(", ")) })
}

/// Shared by the thread's hook and by who asks in the end.
#[derive(Clone, Default)]
pub(super) struct Polls(Rc<RefCell<Vec<Poll>>>);

impl Polls {
    /// From now on, on this thread.
    pub(super) fn watch(&self, run: &Arc<Run>, script: &Script) {
        let Script { at_poll, traced, .. } = *script;
        let watch = Watch { polls: self.clone(), run: run.clone(), count: 0, at_poll, traced };
        on_poll::set(Some(Box::new(watch)));
    }

    pub(super) fn take(&self) -> Vec<Poll> {
        self.0.take()
    }
}

struct Watch {
    polls: Polls,
    run: Arc<Run>,
    count: usize,
    at_poll: Option<usize>,
    traced: bool,
}

impl OnPoll for Watch {
    fn is_traced(&self) -> bool {
        self.traced && !self.run.is_stopping()
    }

    fn waits(&mut self, task: &str, places: Vec<Backtrace>) {
        // What is polled in the shutdown is part of it.
        if self.run.is_stopping() {
            return;
        }
        self.count += 1;
        if self.traced {
            self.polls.0.borrow_mut().push(Poll { task: task.to_owned(), places });
        }
        if self.at_poll == Some(self.count) {
            self.run.end(Cause::Signal(Signal::Terminate));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_that_are_neither_a_librarys_nor_ours() {
        let trace = "\
   0: std::backtrace_rs::backtrace::trace
             at /rustc/59807616/library/std/src/backtrace.rs:331:13
   1: lifecycle_core::os::traced_waker::clone
             at ./lifecycle-core/src/os/traced_waker.rs:48:40
   2: <tokio::time::sleep::Sleep as core::future::future::Future>::poll
             at /home/me/.cargo/registry/src/index/tokio-1.54.1/src/time/sleep.rs:456:22
   3: app::pump::{{closure}}
             at ./src/pump.rs:31:44
   4: app::main::{{closure}}
             at ./src/main.rs:7:12";
        assert_eq!(user_lines(trace).as_deref(), Some("src/pump.rs:31 (from src/main.rs:7)"));
        assert_eq!(user_lines("   0: unknown"), None);
    }
}
