//! `restart(…)` of a task.

use std::time::Duration;

use crate::duration::AtLeast;
use crate::options::{Known, Options, Switch, not_above};

const KNOWN: Known = &[
    ("max_restarts", "max_restarts = 3"),
    ("within", "within = \"1m\""),
    ("wait", "wait = \"1s\""),
    ("max_wait", "max_wait = \"1m\""),
];

/// What was not written is left to the runtime's defaults.
#[derive(Default)]
pub(super) struct Restart {
    pub(super) max_restarts: Option<i64>,
    pub(super) within: Option<Duration>,
    pub(super) wait: Option<Duration>,
    pub(super) max_wait: Option<Duration>,
}

impl Restart {
    /// `None`: it is not restarted.
    pub(super) fn parse(options: &mut Options<'_>) -> Option<Restart> {
        let args = match options.switch("restart")? {
            Switch::Off => return None,
            Switch::On => return Some(Restart::default()),
            Switch::List(args) => args,
        };
        let mut options = Options::parse(args, KNOWN, options.errors);
        let wait = options.duration("wait", AtLeast::Zero);
        let max_wait = options.duration("max_wait", AtLeast::Zero);
        not_above(&mut options, ("wait", wait), ("max_wait", max_wait));
        Some(Restart {
            max_restarts: options.integer("max_restarts", 0..=i64::from(u32::MAX)),
            within: options.duration("within", AtLeast::Positive).map(|(time, _)| time),
            wait: wait.map(|(time, _)| time),
            max_wait: max_wait.map(|(time, _)| time),
        })
    }
}
