//! The plan: what a shutdown would do, sorted and checked.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use lifecycle_os::clock::millis;
use serde::{Serialize, Serializer};

use crate::model::error::ConfigError;
use crate::model::event::{Event, Level};
use crate::model::phase::Phase;
use crate::model::place::Place;
use crate::model::table;

/// What a shutdown would do, in its order. `Display` is a table, as printed at start-up and by `LIFECYCLE_PLAN=1`.
///
/// ```
/// let plan = lifecycle::plan();
/// println!("{plan}");
/// assert!(plan.hooks.is_sorted_by_key(|hook| (hook.phase.rank(), hook.order)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// By phase, order and name.
    pub hooks: Vec<PlannedHook>,
    /// What runs in the background until the drain, by name: the functions under `#[lifecycle::task]`.
    pub tasks: Vec<PlannedTask>,
}

/// A hook of the plan.
///
/// ```
/// for hook in lifecycle::plan().hooks {
///     println!("{} in phase {}, at most {:?}", hook.name, hook.phase.name(), hook.timeout);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlannedHook {
    /// When it runs.
    pub phase: Phase,
    /// When it runs inside the phase; hooks of one order run concurrently.
    pub order: i32,
    /// `Type::method`, or the name it was given.
    pub name: &'static str,
    /// What it may take, if the budget allows.
    #[serde(rename = "timeout_ms", serialize_with = "as_millis")]
    pub timeout: Duration,
    /// Where it was declared.
    pub place: Place,
    /// How many managed instances it will run for; `None` is a free function, which always runs once.
    pub instances: Option<usize>,
}

/// A background task of the plan.
///
/// ```
/// for task in lifecycle::plan().tasks {
///     println!("{} ({}) may fail {:?} times", task.name, task.place, task.max_restarts);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlannedTask {
    /// `Type::method`, or the name it was given.
    pub name: &'static str,
    /// Where it was declared.
    pub place: Place,
    /// How often it is restarted alone within its window; `None`: its first failure ends the run.
    pub max_restarts: Option<u32>,
}

pub(crate) fn as_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(millis(*duration))
}

pub(crate) fn as_optional_millis<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(millis).serialize(serializer)
}

impl Plan {
    pub(crate) fn new(mut hooks: Vec<PlannedHook>, mut tasks: Vec<PlannedTask>) -> Plan {
        // The link order of hooks differs between builds: nothing may depend on it.
        hooks.sort_by(|a, b| a.key().cmp(&b.key()));
        tasks.sort_by_key(|task| (task.name, task.place.file, task.place.line));
        Plan { hooks, tasks }
    }

    /// Two phases of one name must have one rank, or the plan would not say which is meant.
    pub(crate) fn check(&self) -> Result<(), Vec<ConfigError>> {
        let mut phases: BTreeMap<&str, &PlannedHook> = BTreeMap::new();
        let errors: Vec<ConfigError> = self
            .hooks
            .iter()
            .filter_map(|hook| {
                if hook.phase.name().is_empty() {
                    return Some(ConfigError::new(format!(
                        "the phase of hook `{}` ({}) has no name: write `Phase::new(\"telemetry\", {})`",
                        hook.name, hook.place, hook.phase.rank(),
                    )));
                }
                let first = phases.entry(hook.phase.name()).or_insert(hook);
                (first.phase != hook.phase).then(|| ConfigError::new(format!(
                    "phase \"{}\" has two ranks: {} at hook `{}` ({}) and {} at hook `{}` ({}): give one of them another name",
                    hook.phase.name(), first.phase.rank(), first.name, first.place, hook.phase.rank(), hook.name, hook.place,
                )))
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

impl Plan {
    /// For the log's subscriber: an event for each hook, so that no record holds a table.
    pub(crate) fn events(&self) -> Vec<Event> {
        let head = match self.hooks.len() {
            0 => NO_HOOKS.to_owned(),
            1 => "1 hook".to_owned(),
            n => format!("{n} hooks"),
        };
        let rows: Vec<_> = self.hooks.iter().map(PlannedHook::cells).collect();
        let head = format!("shutdown plan: {head}");
        let tasks = self
            .tasks
            .iter()
            .map(PlannedTask::cells)
            .map(|[name, restarts, place]| format!("until the drain: task {name}, {restarts}, {place}"));
        let texts = std::iter::once(head).chain(table::lines(&rows)).chain(tasks);
        texts.map(|text| Event::new(Level::Info, text)).collect()
    }
}

impl PlannedTask {
    fn cells(&self) -> [String; 3] {
        let restarts = match self.max_restarts {
            None => "no restart".to_owned(),
            Some(1) => "1 restart".to_owned(),
            Some(n) => format!("{n} restarts"),
        };
        [self.name.to_owned(), restarts, self.place.to_string()]
    }
}

impl PlannedHook {
    /// In words, since no head stands above them.
    fn cells(&self) -> [String; 6] {
        [
            self.phase.name().to_owned(),
            self.order.to_string(),
            self.name.to_owned(),
            format!("at most {}", humantime::format_duration(self.timeout)),
            self.instances.map_or("function".to_owned(), |n| format!("{n} managed")),
            self.place.to_string(),
        ]
    }

    fn key(&self) -> (i32, &str, i32, &str, &str, u32) {
        (self.phase.rank(), self.phase.name(), self.order, self.name, self.place.file, self.place.line)
    }
}

const NO_HOOKS: &str =
    "no hooks: annotate a method with #[lifecycle::component], or name its crate: `use my_crate as _;`";

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |live| live.to_string())
    }
}

/// The plan before main has run, which manages instances.
pub(crate) struct BeforeMain<'a>(pub(crate) &'a Plan);

impl fmt::Display for BeforeMain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, |_| "?".to_owned())?;
        if self.0.hooks.iter().any(|hook| hook.instances.is_some()) {
            writeln!(
                f,
                "  ?: main decides; a hook runs for each instance that main hands to lifecycle::manage, and for no other"
            )?;
        }
        writeln!(
            f,
            "  main has not run: what it makes is not listed, such as on_stop hooks, spawned tasks and heartbeats made by hand"
        )
    }
}

impl Plan {
    /// `live` says how many instances a hook has.
    fn write(&self, f: &mut fmt::Formatter<'_>, live: fn(usize) -> String) -> fmt::Result {
        if self.hooks.is_empty() {
            writeln!(f, "  {NO_HOOKS}")?;
        } else {
            self.write_hooks(f, live)?;
        }
        if self.tasks.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = self.tasks.iter().map(PlannedTask::cells).collect();
        table::write(f, ["task", "until the drain", "declared at"], &rows)
    }

    fn write_hooks(&self, f: &mut fmt::Formatter<'_>, live: fn(usize) -> String) -> fmt::Result {
        let rows: Vec<_> = self
            .hooks
            .iter()
            .map(|hook| {
                [
                    hook.phase.name().to_owned(),
                    hook.order.to_string(),
                    hook.name.to_owned(),
                    humantime::format_duration(hook.timeout).to_string(),
                    hook.instances.map_or("function".to_owned(), live),
                    hook.place.to_string(),
                ]
            })
            .collect();
        table::write(f, ["phase", "order", "hook", "timeout", "instances", "declared at"], &rows)
    }
}

/// `app::db::Pool<app::db::Conn>` as a reader says it: `Pool<Conn>`.
pub(crate) fn short_type_name(name: &str) -> String {
    let mut short = String::new();
    let mut word = 0;
    for c in name.chars() {
        if c == ':' {
            short.truncate(word);
            continue;
        }
        short.push(c);
        if !(c.is_alphanumeric() || c == '_' || c == '{' || c == '}' || c == '#') {
            word = short.len();
        }
    }
    short
}

#[cfg(test)]
mod tests;
