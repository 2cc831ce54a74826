//! What became of main and the tracked tasks.

use std::time::Duration;

use serde::Serialize;

use crate::model::place::Place;
use crate::model::plan::as_optional_millis;

/// A task, or main, that did not simply return.
///
/// ```
/// fn stuck(report: &lifecycle::Report) -> Vec<&str> {
///     let stuck = report.tasks.iter().filter(|task| task.result == lifecycle::TaskResult::Stuck);
///     stuck.map(|task| task.name.as_str()).collect()
/// }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TaskReport {
    /// Its name; `main` is main.
    pub name: String,
    /// Where it was spawned.
    pub place: Option<Place>,
    /// How it ended.
    pub result: TaskResult,
    /// How many tasks of this name and place ended like this.
    pub count: usize,
    /// Of work that was under way and cut off, such as a request: since when.
    #[serde(
        rename = "age_ms",
        serialize_with = "as_optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub age: Option<Duration>,
}

/// How a task ended that did not simply return.
///
/// ```
/// use lifecycle::{TaskReport, TaskResult};
///
/// let left_behind = |task: &TaskReport| task.result == TaskResult::Stuck;
/// # let _ = left_behind;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskResult {
    /// It returned this error while it drained.
    Failed(String),
    /// It panicked with this message while it drained.
    Panicked(String),
    /// It checked for the shutdown, did not return in time, and was dropped.
    Dropped,
    /// It never checked for the shutdown, and was dropped at once.
    NeverChecked,
    /// It could not be dropped: it blocks its thread, and was left behind.
    Stuck,
}
