//! The report as the log's subscriber gets it: an event for each row, so that no record holds a table.

use lifecycle_os::clock::millis;

use super::{HookReport, HookResult, Report, RuntimeResult, TaskReport, TaskResult};
use crate::model::event::{Event, Fields, Level};
use crate::model::table;

/// Rows of one report: of 10 000 hooks that fail for one reason nobody reads more.
const MOST: usize = 200;

impl Report {
    /// The last one is the summary. `ends`: the process exits after this shutdown.
    pub(crate) fn events(&self, ends: bool) -> Vec<Event> {
        let shown = &self.hooks[..self.hooks.len().min(MOST)];
        let texts = table::lines(&shown.iter().map(cells).collect::<Vec<_>>());
        let mut events: Vec<Event> = shown.iter().zip(texts).map(|(hook, text)| row(hook, text)).collect();
        events.extend(self.tasks.iter().take(MOST).map(task));
        let shown = events.len();
        let left_out = self.hooks.len() + self.tasks.len() - shown;
        if left_out > 0 {
            events.push(Event::new(Level::Warn, format!("{left_out} more hooks and tasks are not shown")));
        }
        events.extend(self.runtime.text().map(|text| Event::new(Level::Warn, text)));
        events.extend(self.left_behind.iter().map(|thread| Event::new(Level::Warn, thread.as_str())));
        events.push(self.summary(ends));
        events
    }

    fn summary(&self, ends: bool) -> Event {
        let text = format!("shutdown took {:.1?}, cause: {}; {}", self.took, self.cause, self.conclusion());
        let level = if self.exit_code() == 0 { Level::Notice } else { Level::Error };
        Event::new(level, text).with(Fields {
            cause: Some(self.cause.summary()),
            exit_code: ends.then(|| self.exit_code()),
            took_ms: Some(millis(self.took)),
            ..Fields::default()
        })
    }
}

fn cells(hook: &HookReport) -> [String; 6] {
    let [phase, order, name, result, took, _, note] = super::text::cells(hook);
    [phase, order, name, result, took, note]
}

/// What went well needs no fields.
fn row(hook: &HookReport, text: String) -> Event {
    let (result, error) = match &hook.result {
        HookResult::Done | HookResult::NotManaged => return Event::new(Level::Info, text),
        HookResult::TimedOut => ("timed_out", None),
        HookResult::Failed(error) => ("failed", Some(error)),
        HookResult::Panicked(message) => ("panicked", Some(message)),
    };
    Event::new(Level::Error, text).with(Fields {
        hook: Some(hook.name),
        phase: Some(hook.phase.name()),
        order: Some(hook.order),
        took_ms: Some(millis(hook.took)),
        result: Some(result),
        error: error.cloned(),
        place: Some(hook.place),
        ..Fields::default()
    })
}

fn task(task: &TaskReport) -> Event {
    let (level, result, error) = match &task.result {
        TaskResult::Failed(error) => (Level::Error, "failed", Some(error)),
        TaskResult::Panicked(message) => (Level::Error, "panicked", Some(message)),
        TaskResult::Stuck => (Level::Error, "stuck", None),
        TaskResult::Dropped => (Level::Warn, "dropped", None),
        TaskResult::NeverChecked => (Level::Warn, "never_checked", None),
    };
    Event::new(level, task.to_string()).with(Fields {
        task: Some(task.name.clone()),
        result: Some(result),
        error: error.cloned(),
        place: task.place,
        age_ms: task.age.map(millis),
        ..Fields::default()
    })
}

impl RuntimeResult {
    /// What is worth a word.
    pub(super) fn text(self) -> Option<&'static str> {
        match self {
            RuntimeResult::Stopped => None,
            RuntimeResult::ThreadsLeft => Some("threads of the blocking pool still run: left behind"),
            RuntimeResult::Abandoned => {
                Some("runtime did not shut down: main or a worker is blocked; abandoning it")
            }
        }
    }
}
