//! The report as people read it.

use std::fmt;

use super::{HookReport, HookResult, Report, TaskReport, TaskResult};
use crate::model::table;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "shutdown took {:.1?}, cause: {}", self.took, self.cause)?;
        let rows: Vec<_> = self.hooks.iter().map(cells).collect();
        if !rows.is_empty() {
            table::write(f, ["phase", "order", "hook", "result", "took", "declared at", ""], &rows)?;
        }
        for task in &self.tasks {
            writeln!(f, "  {task}")?;
        }
        if let Some(text) = self.runtime.text() {
            writeln!(f, "  {text}")?;
        }
        for thread in &self.left_behind {
            writeln!(f, "    {thread}")?;
        }
        write!(f, "{}", self.conclusion())
    }
}

pub(super) fn cells(hook: &HookReport) -> [String; 7] {
    let times = if hook.instances > 1 { format!(" x {}", hook.instances) } else { String::new() };
    let ran = hook.result != HookResult::NotManaged;
    [
        hook.phase.name().to_owned(),
        hook.order.to_string(),
        format!("{}{times}", hook.name),
        hook.result.word().to_owned(),
        if ran { format!("{:.1?}", hook.took) } else { String::new() },
        hook.place.to_string(),
        hook.result.note(),
    ]
}

impl HookResult {
    fn note(&self) -> String {
        match self {
            HookResult::Failed(text) | HookResult::Panicked(text) => text.replace('\n', " / "),
            HookResult::TimedOut => "dropped when its time was over".to_owned(),
            HookResult::NotManaged => "no instance was handed to lifecycle::manage".to_owned(),
            HookResult::Done => String::new(),
        }
    }
}

impl fmt::Display for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match &self.result {
            TaskResult::Failed(error) => format!("FAILED while it drained: {error}"),
            TaskResult::Panicked(message) => format!("PANICKED while it drained: {message}"),
            TaskResult::Dropped => "DROPPED: did not return before the drain was over".to_owned(),
            TaskResult::NeverChecked => "DROPPED at once: never checks for shutdown".to_owned(),
            TaskResult::Stuck => "STUCK: blocks its thread and is left behind".to_owned(),
        };
        let times = if self.count > 1 { format!(" x {}", self.count) } else { String::new() };
        let place = self.place.map(|place| format!(" ({place})")).unwrap_or_default();
        write!(f, "task `{}`{times}{place} {word}", self.name)
    }
}
