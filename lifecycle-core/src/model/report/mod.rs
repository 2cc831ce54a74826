//! The report of a shutdown: what each hook did, and what follows from it.

mod events;
mod task;
#[cfg(test)]
mod tests;
mod text;

use std::time::Duration;

use serde::Serialize;

pub use task::{TaskReport, TaskResult};

use crate::model::cause::Cause;
use crate::model::failure::Meaning;
use crate::model::phase::Phase;
use crate::model::place::Place;
use crate::model::plan::as_millis;

/// `EX_CONFIG` of sysexits.h: no restart helps.
pub(crate) const EXIT_PERMANENT: u8 = 78;

/// What a shutdown did. `Display` is a table.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Why the run ended.
    pub cause: Cause,
    /// Each hook, in the order of the plan: an entry for all instances for which it ended well, and one for each other.
    pub hooks: Vec<HookReport>,
    /// What main and the tracked tasks did when they were asked to stop, where that is worth a word.
    pub tasks: Vec<TaskReport>,
    /// What became of the tokio runtime.
    pub runtime: RuntimeResult,
    /// Threads of the program that still ran then, each with the line that it was in, where that is known.
    pub left_behind: Vec<String>,
    /// From the first moment to the end of the runtime; in a test, to the last hook.
    #[serde(rename = "took_ms", serialize_with = "as_millis")]
    pub took: Duration,
    /// What the run's failure asks for; not what its hooks ask for.
    #[serde(skip)]
    pub(crate) meaning: Option<Meaning>,
}

/// What became of the tokio runtime after the last hook.
///
/// ```
/// use lifecycle::{Report, RuntimeResult};
///
/// fn left_something_behind(report: &Report) -> bool {
///     report.runtime != RuntimeResult::Stopped
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RuntimeResult {
    /// It stopped, with all its tasks; or it is not ours to stop.
    Stopped,
    /// It stopped, but threads of its blocking pool still run.
    ThreadsLeft,
    /// It did not stop: main, or a task on a worker, blocks its thread. It was abandoned.
    Abandoned,
}

/// What one hook did, for one instance or for all those for which it ended well.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let report = lifecycle::LifecycleManager::new().stop("end of the test").await;
/// for hook in &report.hooks {
///     println!("{} ({}): {:?} after {:?}", hook.name, hook.place, hook.result, hook.took);
/// }
/// # });
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HookReport {
    /// Its phase.
    pub phase: Phase,
    /// Its order.
    pub order: i32,
    /// Its name.
    pub name: &'static str,
    /// Where it was declared.
    pub place: Place,
    /// How it ended.
    pub result: HookResult,
    /// From the first moment of the shutdown to its call; the first of many.
    #[serde(rename = "began_ms", serialize_with = "as_millis")]
    pub began: Duration,
    /// How long it ran; the longest of many.
    #[serde(rename = "took_ms", serialize_with = "as_millis")]
    pub took: Duration,
    /// For how many instances.
    pub instances: usize,
    /// Of the failures that were alive when it failed.
    #[serde(skip)]
    pub(crate) meaning: Option<Meaning>,
}

/// How a hook ended.
///
/// ```
/// use lifecycle::{HookResult, Report};
///
/// fn timed_out(report: &Report) -> Vec<&'static str> {
///     report.hooks.iter().filter(|hook| hook.result == HookResult::TimedOut).map(|hook| hook.name).collect()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HookResult {
    /// Well.
    Done,
    /// It returned this error.
    Failed(String),
    /// It panicked with this message.
    Panicked(String),
    /// Its time was over before it ended; it was dropped.
    TimedOut,
    /// No instance of its type was handed over with `lifecycle::manage`, so there was nothing to call.
    NotManaged,
}

impl HookReport {
    pub(crate) fn key(&self) -> (i32, &str, i32, &str) {
        (self.phase.rank(), self.phase.name(), self.order, self.name)
    }
}

impl HookResult {
    fn is_failure(&self) -> bool {
        !matches!(self, HookResult::Done | HookResult::NotManaged)
    }

    fn word(&self) -> &'static str {
        match self {
            HookResult::Done => "done",
            HookResult::Failed(_) => "FAILED",
            HookResult::Panicked(_) => "PANICKED",
            HookResult::TimedOut => "TIMED OUT",
            HookResult::NotManaged => "not managed",
        }
    }
}

impl Report {
    /// Of a run that never started.
    pub(crate) fn empty(cause: Cause) -> Report {
        Report {
            cause,
            hooks: Vec::new(),
            tasks: Vec::new(),
            runtime: RuntimeResult::Stopped,
            left_behind: Vec::new(),
            took: Duration::ZERO,
            meaning: None,
        }
    }

    /// Whether everything stopped as it should: then a shutdown on request exits with 0.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let manager = lifecycle::LifecycleManager::new();
    /// let report = manager.stop("end of the test").await;
    /// assert!(report.is_success(), "{report}");
    /// # });
    /// ```
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.first_failure().is_none()
    }

    /// The names of the hooks that were called, in the order in which they were.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use lifecycle::{LifecycleManager, Phase};
    ///
    /// let manager = LifecycleManager::new();
    /// manager.on_stop("connection", Phase::DISCONNECT, 0, || async {}).detach();
    /// manager.on_stop("orders", Phase::PERSIST, 0, || async {}).detach();
    /// let report = manager.stop("end of the test").await;
    /// let order = report.order();
    /// let place = |name| order.iter().position(|hook| *hook == name).unwrap();
    /// assert!(place("orders") < place("connection"));
    /// # });
    /// ```
    #[must_use]
    pub fn order(&self) -> Vec<&'static str> {
        let called = self.hooks.iter().filter(|hook| hook.result != HookResult::NotManaged);
        let mut called: Vec<&HookReport> = called.collect();
        // Stable: those of one moment stay in the order of the plan.
        called.sort_by_key(|hook| hook.began);
        called.into_iter().map(|hook| hook.name).collect()
    }

    /// The exit code that this report alone calls for.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.meaning() {
            Some(Meaning::Permanent) => EXIT_PERMANENT,
            _ => u8::from(self.cause.is_failure() || !self.is_success()),
        }
    }

    /// What a failed run asks for, by its cause or by a hook that failed, too.
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        let hooks = self.hooks.iter().filter_map(|hook| hook.meaning).max();
        self.meaning.max(hooks).filter(|_| self.cause.is_failure())
    }

    /// The first thing that went wrong, in words.
    pub(crate) fn first_failure(&self) -> Option<String> {
        let hook = self.hooks.iter().find(|hook| hook.result.is_failure()).map(|hook| match hook.result {
            HookResult::TimedOut => format!("hook `{}` timed out", hook.name),
            HookResult::Panicked(_) => format!("hook `{}` panicked", hook.name),
            _ => format!("hook `{}` failed", hook.name),
        });
        let task = || {
            self.tasks.iter().find_map(|task| match task.result {
                TaskResult::Failed(_) => Some(format!("`{}` failed while it drained", task.name)),
                TaskResult::Panicked(_) => Some(format!("`{}` panicked while it drained", task.name)),
                TaskResult::Stuck => Some(format!("`{}` could not be stopped", task.name)),
                TaskResult::Dropped | TaskResult::NeverChecked => None,
            })
        };
        let abandoned = || {
            (self.runtime == RuntimeResult::Abandoned)
                .then(|| "the runtime did not shut down: main or a worker is blocked".to_owned())
        };
        hook.or_else(task).or_else(abandoned)
    }

    /// Tasks that did not end by themselves.
    pub(crate) fn dropped(&self) -> usize {
        let dropped =
            |task: &&TaskReport| matches!(task.result, TaskResult::Dropped | TaskResult::NeverChecked);
        self.tasks.iter().filter(dropped).map(|task| task.count).sum()
    }

    /// Why the process exits as it does.
    fn conclusion(&self) -> String {
        let failed = self.first_failure();
        match (self.exit_code(), failed) {
            (0, _) => match self.dropped() {
                0 => "everything stopped: exit code 0".to_owned(),
                1 => "everything stopped, 1 task by being dropped: exit code 0".to_owned(),
                n => format!("everything stopped, {n} tasks by being dropped: exit code 0"),
            },
            (code, Some(failure)) if !self.cause.is_failure() => format!("{failure}: exit code {code}"),
            (_, failure) => {
                let failure = failure.map_or_else(String::new, |failure| format!("; {failure}"));
                let permanent = match self.meaning() {
                    Some(Meaning::Permanent) => format!("; permanent: exit code {EXIT_PERMANENT}"),
                    _ => String::new(),
                };
                format!("the run failed: {}{failure}{permanent}", self.cause)
            }
        }
    }
}
