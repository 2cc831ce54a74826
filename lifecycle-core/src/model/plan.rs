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

pub(crate) fn as_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(millis(*duration))
}

impl Plan {
    pub(crate) fn new(mut hooks: Vec<PlannedHook>) -> Plan {
        // The link order of hooks differs between builds: nothing may depend on it.
        hooks.sort_by(|a, b| a.key().cmp(&b.key()));
        Plan { hooks }
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
        std::iter::once(head).chain(table::lines(&rows)).map(|text| Event::new(Level::Info, text)).collect()
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
        if self.hooks.is_empty() {
            return writeln!(f, "  {NO_HOOKS}");
        }
        let rows: Vec<_> = self
            .hooks
            .iter()
            .map(|hook| {
                [
                    hook.phase.name().to_owned(),
                    hook.order.to_string(),
                    hook.name.to_owned(),
                    humantime::format_duration(hook.timeout).to_string(),
                    hook.instances.map_or("function".to_owned(), |n| n.to_string()),
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
mod tests {
    use super::*;

    fn hook(phase: Phase, order: i32, name: &'static str) -> PlannedHook {
        PlannedHook {
            phase,
            order,
            name,
            timeout: Duration::from_secs(5),
            place: Place { file: "src/x.rs", line: 7 },
            instances: Some(1),
        }
    }

    #[test]
    fn sorted_by_phase_order_and_name_whatever_the_link_order() {
        let plan = Plan::new(vec![
            hook(Phase::DISCONNECT, 2, "b"),
            hook(Phase::STOP, 9, "z"),
            hook(Phase::DISCONNECT, 2, "a"),
            hook(Phase::DISCONNECT, -1, "c"),
            hook(Phase::new("telemetry", 250), 0, "t"),
        ]);
        let names: Vec<_> = plan.hooks.iter().map(|hook| hook.name).collect();
        assert_eq!(names, ["z", "t", "c", "a", "b"]);
        assert_eq!(plan.check(), Ok(()));
    }

    #[test]
    fn a_phase_with_two_ranks_or_no_name_is_refused() {
        let plan =
            Plan::new(vec![hook(Phase::DISCONNECT, 0, "a"), hook(Phase::new("disconnect", 50), 0, "b")]);
        let errors = plan.check().expect_err("two ranks");
        assert!(
            errors[0]
                .to_string()
                .starts_with("phase \"disconnect\" has two ranks: 50 at hook `b` (src/x.rs:7)")
        );
        let plan = Plan::new(vec![hook(Phase::new("", 50), 0, "a")]);
        assert!(plan.check().expect_err("no name")[0].to_string().contains("has no name"));
    }

    #[test]
    fn type_names_lose_their_paths() {
        for (long, short) in [
            ("Db", "Db"),
            ("app::db::Db", "Db"),
            ("app::Pool<app::db::Conn, alloc::string::String>", "Pool<Conn, String>"),
            ("app::main::{{closure}}::Local", "Local"),
        ] {
            assert_eq!(short_type_name(long), short);
        }
    }
}
