//! Whether a start is the same as one that failed for good: the build, the arguments and the environment as one number.
//!
//! One hash over all of it, never one a variable, so that no value can be guessed without knowing all the others.

use std::ffi::{OsStr, OsString};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Variables that differ at every start although nobody has changed anything, with those that tell who starts it from where.
const VOLATILE: [&str; 45] = [
    // systemd
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "MAINPID",
    "MANAGERPID",
    "MANAGERPIDFDID",
    "WATCHDOG_PID",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "FDSTORE",
    "NOTIFY_SOCKET",
    "MONITOR_SERVICE_RESULT",
    "MONITOR_EXIT_CODE",
    "MONITOR_EXIT_STATUS",
    "MONITOR_INVOCATION_ID",
    "TRIGGER_TIMER_REALTIME_USEC",
    "TRIGGER_TIMER_MONOTONIC_USEC",
    // Shells and terminals
    "_",
    "SHLVL",
    "PWD",
    "OLDPWD",
    "COLUMNS",
    "LINES",
    "TERM",
    "TERM_SESSION_ID",
    "WINDOWID",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "SSH_AUTH_SOCK",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "XDG_SESSION_ID",
    // Containers and their platforms
    "HOSTNAME",
    "HOST",
    "RAILWAY_REPLICA_ID",
    "FLY_ALLOC_ID",
    "ECS_CONTAINER_METADATA_URI",
    "ECS_CONTAINER_METADATA_URI_V4",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    // PM2
    "pm_uptime",
    "restart_time",
];

/// Of this start; to be asked before the program can have changed its environment.
pub(crate) fn current(build: Option<&str>) -> String {
    of(build, std::env::args_os().skip(1), std::env::vars_os())
}

/// `arguments` without the name of the program.
fn of(
    build: Option<&str>,
    arguments: impl Iterator<Item = OsString>,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> String {
    let is_volatile = |name: &OsStr| name.to_str().is_some_and(|name| VOLATILE.contains(&name));
    let mut variables: Vec<_> = variables.filter(|(name, _)| !is_volatile(name)).collect();
    variables.sort();
    // Its keys are fixed; std may change it with a new compiler, which makes a new build anyway.
    let mut hasher = DefaultHasher::new();
    (build, arguments.collect::<Vec<_>>(), variables).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(build: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        of(Some(build), arguments.iter().map(OsString::from), variables)
    }

    #[test]
    fn a_change_of_anything_that_somebody_chose_is_another_start() {
        let (arguments, variables) = (["--config", "a"], [("KEY", "secret"), ("URL", "x")]);
        let before = fingerprint("one", &arguments, &variables);
        assert_eq!(before, fingerprint("one", &arguments, &[("URL", "x"), ("KEY", "secret")]), "order");
        for (what, after) in [
            ("build", fingerprint("two", &arguments, &variables)),
            ("argument", fingerprint("one", &["--config", "b"], &variables)),
            ("split argument", fingerprint("one", &["--configa"], &variables)),
            ("value", fingerprint("one", &arguments, &[("KEY", "secreT"), ("URL", "x")])),
            ("removed", fingerprint("one", &arguments, &[("KEY", "secret")])),
            ("moved", fingerprint("one", &arguments, &[("KEYsecret", ""), ("URL", "x")])),
        ] {
            assert_ne!(before, after, "{what}");
        }
    }

    #[test]
    fn what_differs_at_every_start_does_not_count() {
        let start = |n: &str| VOLATILE.map(|name| (name, n.to_owned()));
        let of = |n: &str| {
            let volatile = start(n);
            let mut variables: Vec<_> =
                volatile.iter().map(|(name, value)| (*name, value.as_str())).collect();
            variables.push(("KEY", "secret"));
            fingerprint("one", &[], &variables)
        };
        assert_eq!(of("1"), of("2"));
        assert_eq!(of("1"), fingerprint("one", &[], &[("KEY", "secret")]));
    }

    #[test]
    fn no_value_stands_in_it() {
        let text = fingerprint("one", &["hunter2"], &[("KEY", "hunter2")]);
        assert!(text.len() == 16 && text.chars().all(|digit| digit.is_ascii_hexdigit()), "{text}");
    }
}
