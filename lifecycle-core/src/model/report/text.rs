//! The report as people read it.

use std::fmt;

use super::{HookReport, HookResult, Report, RuntimeResult, TaskResult};
use crate::model::table;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "shutdown took {:.1?}, cause: {}", self.took, self.cause)?;
        let rows = rows(&self.hooks);
        if !rows.is_empty() {
            table::write(f, ["phase", "order", "hook", "result", "took", "declared at", ""], &rows)?;
        }
        for task in &self.tasks {
            let word = match &task.result {
                TaskResult::Failed(error) => format!("FAILED while it drained: {error}"),
                TaskResult::Panicked(message) => format!("PANICKED while it drained: {message}"),
                TaskResult::Dropped => "DROPPED: did not return before the drain was over".to_owned(),
                TaskResult::NeverChecked => "DROPPED at once: never checks for shutdown".to_owned(),
                TaskResult::Stuck => "STUCK: blocks its thread and is left behind".to_owned(),
            };
            let times = if task.count > 1 { format!(" x {}", task.count) } else { String::new() };
            let place = task.place.map(|place| format!(" ({place})")).unwrap_or_default();
            writeln!(f, "  task `{}`{times}{place} {word}", task.name)?;
        }
        match self.runtime {
            RuntimeResult::Stopped => {}
            RuntimeResult::ThreadsLeft => {
                writeln!(f, "  threads of the blocking pool still run: left behind")?;
            }
            RuntimeResult::Abandoned => {
                writeln!(f, "  runtime did not shut down: main or a worker is blocked; abandoning it")?;
            }
        }
        for thread in &self.left_behind {
            writeln!(f, "    {thread}")?;
        }
        write!(f, "{}", self.conclusion())
    }
}

fn rows(hooks: &[HookReport]) -> Vec<[String; 7]> {
    let row = |hook: &HookReport| {
        let times = if hook.instances > 1 { format!(" x {}", hook.instances) } else { String::new() };
        let ran = hook.result != HookResult::NotManaged;
        [
            hook.phase.name().to_owned(),
            hook.order.to_string(),
            format!("{}{times}", hook.name),
            hook.result.word().to_owned(),
            if ran { format!("{:.1?}", hook.took) } else { String::new() },
            hook.place.to_string(),
            note(&hook.result),
        ]
    };
    hooks.iter().map(row).collect()
}

fn note(result: &HookResult) -> String {
    match result {
        HookResult::Failed(text) | HookResult::Panicked(text) => text.replace('\n', " / "),
        HookResult::TimedOut => "dropped when its time was over".to_owned(),
        HookResult::NotManaged => "no instance was handed to lifecycle::manage".to_owned(),
        HookResult::Done => String::new(),
    }
}
