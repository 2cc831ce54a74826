use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::options::*;
use super::resolve::*;
use super::variables::unknown_variables;

fn resolve(variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let env = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into());
    Config::resolve(&Options::DEFAULT, &env, "app")
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn an_option_that_does_not_fit_is_named_as_it_was_written() {
    let options = Options { drain: Duration::from_secs(30), ..Options::DEFAULT };
    for (variable, says) in [
        (
            "LIFECYCLE_DRAIN_DELAY",
            "option `drain = \"30s\"`: must fit into option `shutdown_timeout = \"25s\"`",
        ),
        ("LIFECYCLE_DRAIN", "LIFECYCLE_DRAIN=30s: must fit into option `shutdown_timeout = \"25s\"`"),
    ] {
        let value = if variable == "LIFECYCLE_DRAIN" { "30s" } else { "" };
        let env = |name: &str| (name == variable).then(|| value.into());
        let errors = Config::resolve(&options, &env, "app").expect_err("it does not fit");
        assert!(errors.iter().any(|error| error.to_string().contains(says)), "{errors:?}");
    }
}

#[test]
fn every_wrong_value_is_named_with_what_to_write() {
    for (name, value, says) in [
        ("LIFECYCLE_SHUTDOWN_TIMEOUT", "25", "has no unit: write \"25s\""),
        ("LIFECYCLE_SHUTDOWN_TIMEOUT", "0s", "longer than zero"),
        ("LIFECYCLE_DRAIN", "fast", "write numbers with their units"),
        ("LIFECYCLE_DRAIN", "9999 years", "at most ten years"),
        ("LIFECYCLE_RESTART", "never", "\"on\" or \"off\""),
        ("LIFECYCLE_RESTART_MAX_CRASHES", "-1", "whole number from 0 to 4294967295"),
        ("LIFECYCLE_RESTART_FACTOR", "0", "whole number from 1 to 4294967295"),
        ("LIFECYCLE_RESTART_WITHIN", "0s", "longer than zero"),
        ("LIFECYCLE_RESTART_MAX_WAIT", "1", "has no unit: write \"1s\""),
        ("LIFECYCLE_RESTART_MAX_RETRY_AFTER", "1 day or two", "is no duration"),
        ("LIFECYCLE_WATCHDOG", "60s", "set LIFECYCLE_WATCHDOG_TIMEOUT"),
        ("LIFECYCLE_WATCHDOG_TIMEOUT", "0s", "at least 50ms"),
        ("LIFECYCLE_WATCHDOG_STARTUP", "49ms", "at least 50ms"),
        ("LIFECYCLE_WATCHDOG_STARTUP", "soon", "is no duration"),
        ("LIFECYCLE_RESTART_MODE", "fork", "\"task\" or \"exec\""),
        ("LIFECYCLE_RESTART_STORE", "postgres://db", "redis://"),
        ("LIFECYCLE_WATCHDOG_ON_HANG", "restart", "\"exit\", \"exec\" or \"abort\""),
        ("LIFECYCLE_RESTART_FIRST_WAIT", "61s", "set LIFECYCLE_RESTART_WAIT=61s or more"),
        ("LIFECYCLE_RESTART_JITTER", "2", "from 0 to 1"),
        ("LIFECYCLE_HANG_FRAMES", "all", "\"full\" or \"folded\""),
        ("LIFECYCLE_HANG_FORMAT", "xml", "\"text\" or \"json\""),
        ("LIFECYCLE_DRAIN", "26s", "must fit into option `shutdown_timeout = \"25s\"`: set at most 25s"),
        ("LIFECYCLE_DRAIN_DELAY", "25s", "set less, or a longer"),
        ("LIFECYCLE_READY", "soon", "must be \"implied\" or \"explicit\""),
        ("LIFECYCLE_ON_HANGUP", "quit", "must be \"stop\", \"reload\" or \"ignore\""),
        ("LIFECYCLE_PANIC", "abort", "must be \"end\" or \"report\""),
        ("LIFECYCLE_PLAN", "maybe", "\"on\" or \"off\""),
    ] {
        let errors = resolve(&[(name, value)]).expect_err(name);
        assert_eq!(errors.len(), 1, "{name}={value}: {errors:?}");
        assert!(errors[0].contains(says), "{name}={value}: {}", errors[0]);
        assert!(errors[0].starts_with(&format!("{name}={value}: ")), "{}", errors[0]);
    }
}

#[test]
fn the_default_of_one_wait_gives_way_to_the_other() {
    let waits = |variables: &[(&str, &str)]| {
        resolve(variables).map(|config| {
            let policy = config.restart.expect("on by default").policy;
            (policy.wait.as_secs(), policy.max_wait.as_secs())
        })
    };
    let (wait, max_wait) = ("LIFECYCLE_RESTART_WAIT", "LIFECYCLE_RESTART_MAX_WAIT");
    assert_eq!(waits(&[]), Ok((60, 300)));
    assert_eq!(waits(&[(wait, "20m")]), Ok((1200, 1200)));
    assert_eq!(waits(&[(max_wait, "3s")]), Ok((3, 3)));
    let errors = waits(&[(wait, "20s"), (max_wait, "3s")]).expect_err("a contradiction");
    assert!(errors[0].starts_with("LIFECYCLE_RESTART_MAX_WAIT=3s: must not be shorter"), "{errors:?}");
}

/// By letters, or by words that were left out; others are named together.
#[test]
fn a_misspelt_variable_is_noticed_with_the_one_that_was_meant() {
    let warned = |names: &[&str]| unknown_variables(names.iter().map(OsString::from));
    for (name, meant) in [
        ("LIFECYCLE_DRIAN", "LIFECYCLE_DRAIN"),
        ("LIFECYCLE_SHUTDOWN_TIMOUT", "LIFECYCLE_SHUTDOWN_TIMEOUT"),
        ("LIFECYCLE_SHUTDOWN", "LIFECYCLE_SHUTDOWN_TIMEOUT"),
        ("LIFECYCLE_MAX_CRASHES", "LIFECYCLE_RESTART_MAX_CRASHES"),
        ("LIFECYCLE_WATCHDOG_TIMEOUT_", "LIFECYCLE_WATCHDOG_TIMEOUT"),
    ] {
        let says = format!("{name} is not a variable of lifecycle, and does nothing: did you mean {meant}?");
        assert_eq!(warned(&["PATH", "LIFECYCLE_DRAIN", name]), [says]);
    }
    let others = warned(&["LIFECYCLE_STAGE", "LIFECYCLE_HOOKS_DIR"]);
    assert_eq!(others.len(), 1, "{others:?}");
    assert!(others[0].starts_with("LIFECYCLE_HOOKS_DIR, LIFECYCLE_STAGE are not variables"), "{others:?}");
    assert!(warned(&["LIFECYCLE_DRAIN", "lifecycle_stage"]).is_empty());
}

#[test]
fn several_mistakes_are_reported_together() {
    let errors = resolve(&[("LIFECYCLE_DRAIN", "x"), ("LIFECYCLE_WATCHDOG", "x")]).expect_err("both");
    assert_eq!(errors.len(), 2);
}

#[test]
fn the_ledger_lives_where_the_platform_keeps_state() {
    for (variables, file) in [
        (&[][..], ".restart_count"),
        (&[("RAILWAY_VOLUME_MOUNT_PATH", "/data")][..], "/data/.restart_count"),
        (
            &[("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"), ("RAILWAY_VOLUME_MOUNT_PATH", "/data")][..],
            "/var/lib/a/.restart_count",
        ),
        (&[("LIFECYCLE_RESTART_FILE", "x"), ("STATE_DIRECTORY", "/var/lib/a")][..], "x"),
    ] {
        let restart = resolve(variables).expect("valid").restart.expect("on by default");
        assert_eq!(restart.file, PathBuf::from(file));
    }
}

#[test]
fn off_and_empty() {
    let config =
        resolve(&[("LIFECYCLE_RESTART", "off"), ("LIFECYCLE_WATCHDOG", "OFF"), ("LIFECYCLE_DRAIN", "")]);
    let config = config.expect("valid");
    assert!(config.restart.is_none() && config.watchdog.is_none());
    assert_eq!(config.drain, Duration::from_secs(5));
}

#[cfg(unix)]
#[test]
fn a_new_image_after_a_hang_needs_restarts() {
    let images = |variables: &[(&str, &str)]| {
        resolve(variables).map(|config| {
            let mode = config.restart.map(|restart| restart.mode);
            (mode, config.watchdog.map(|watchdog| watchdog.on_hang))
        })
    };
    let (mode, on_hang) = ("LIFECYCLE_RESTART_MODE", "LIFECYCLE_WATCHDOG_ON_HANG");
    assert_eq!(images(&[]), Ok((Some(RestartMode::Task), Some(OnHang::Exit))));
    assert_eq!(
        images(&[(mode, "Exec"), (on_hang, "exec")]),
        Ok((Some(RestartMode::Exec), Some(OnHang::Exec)))
    );
    assert_eq!(images(&[(mode, "exec"), ("LIFECYCLE_RESTART", "off")]), Ok((None, Some(OnHang::Exit))));
    assert_eq!(
        images(&[(on_hang, "exec"), ("LIFECYCLE_WATCHDOG", "off")]),
        Ok((Some(RestartMode::Task), None))
    );
    let errors = images(&[(on_hang, "exec"), ("LIFECYCLE_RESTART", "off")]).expect_err("nothing to bound it");
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("write `watchdog(on_hang = \"exit\")`"), "{errors:?}");
}

#[test]
fn a_store_without_restarts_is_not_used() {
    let config = resolve(&[("LIFECYCLE_RESTART", "off"), ("LIFECYCLE_RESTART_STORE", "http://wrong")]);
    assert!(config.expect("not looked at").restart.is_none());
}

#[cfg(feature = "redis")]
#[test]
fn a_store_has_the_service_that_was_named_or_the_executable() {
    let service = |variables: &[(&str, &str)]| {
        let store = resolve(variables).expect("valid").restart.expect("on by default").store;
        store.map(|store| (store.url, store.service))
    };
    let (store, name) = ("LIFECYCLE_RESTART_STORE", "LIFECYCLE_RESTART_SERVICE");
    assert_eq!(service(&[(name, "orders")]), None);
    for url in ["redis://cache:6379/2", "redis+unix:///run/redis.sock", "unix:/run/redis.sock?db=1"] {
        assert_eq!(service(&[(store, url)]), Some((url.into(), "app".into())));
    }
    let named = service(&[(store, "redis://cache"), (name, " orders ")]);
    assert_eq!(named, Some(("redis://cache".into(), "orders".into())));
}
