//! The names of the variables that are read, for those that are misspelt.

use std::ffi::OsString;

use super::spelling::{PREFIX, nearest};

/// Every variable that is read.
const VARIABLES: [&str; 30] = [
    "LIFECYCLE_SHUTDOWN_TIMEOUT",
    "LIFECYCLE_DRAIN",
    "LIFECYCLE_DRAIN_DELAY",
    "LIFECYCLE_READY",
    "LIFECYCLE_PROBES",
    "LIFECYCLE_ON_HANGUP",
    "LIFECYCLE_PANIC",
    "LIFECYCLE_RESTART",
    "LIFECYCLE_RESTART_MAX_CRASHES",
    "LIFECYCLE_RESTART_WITHIN",
    "LIFECYCLE_RESTART_WAIT",
    "LIFECYCLE_RESTART_FACTOR",
    "LIFECYCLE_RESTART_MAX_WAIT",
    "LIFECYCLE_RESTART_FIRST_WAIT",
    "LIFECYCLE_RESTART_JITTER",
    "LIFECYCLE_RESTART_MAX_RETRY_AFTER",
    "LIFECYCLE_RESTART_FILE",
    "LIFECYCLE_RESTART_MODE",
    "LIFECYCLE_RESTART_STORE",
    "LIFECYCLE_RESTART_SERVICE",
    "LIFECYCLE_WATCHDOG",
    "LIFECYCLE_WATCHDOG_TIMEOUT",
    "LIFECYCLE_WATCHDOG_STARTUP",
    "LIFECYCLE_WATCHDOG_ON_HANG",
    "LIFECYCLE_WATCHDOG_WORKER",
    "LIFECYCLE_PLAN",
    "LIFECYCLE_HANG_FORMAT",
    "LIFECYCLE_HANG_FRAMES",
    "LIFECYCLE_HANG_REPORT",
    "LIFECYCLE_TERMINATION_LOG",
];

/// Variables that look like ours and are not: misspelt, most likely, so that a default is in force unnoticed. A warning for each
/// that is near to one of ours, and one for all others.
pub(crate) fn unknown_variables(names: impl Iterator<Item = OsString>) -> Vec<String> {
    let mut unknown: Vec<String> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && !VARIABLES.contains(&name.as_str()))
        .collect();
    unknown.sort();
    let (mut warnings, mut others) = (Vec::new(), Vec::new());
    for name in unknown {
        match nearest(&VARIABLES, &name) {
            Some(near) => warnings.push(format!(
                "{name} is not a variable of lifecycle, and does nothing: did you mean {near}?"
            )),
            None => others.push(name),
        }
    }
    if !others.is_empty() {
        let (are, do_nothing) = match others.len() {
            1 => ("is not a variable", "does nothing"),
            _ => ("are not variables", "do nothing"),
        };
        let others = others.join(", ");
        warnings.push(format!(
            "{others} {are} of lifecycle, and {do_nothing}: docs/options.md lists those that are"
        ));
    }
    warnings
}
