//! What hooks do, and what becomes of them.

use std::time::Duration;

use lifecycle_tests::{Output, Service};

/// Runs the service in a scenario, stops it with SIGTERM when it is up.
fn stopped(scenario: &str) -> Output {
    let mut service = Service::new(env!("CARGO_BIN_EXE_hooks")).arg(scenario).start();
    service.line("up");
    service.signal(libc::SIGTERM);
    service.wait()
}

/// The row of the report about a hook.
fn row<'a>(output: &'a Output, hook: &str) -> &'a str {
    let table = output.stderr.lines().filter(|line| !line.starts_with("SUSPECT"));
    let mut rows = table.filter(|line| line.contains(hook) && line.contains("src/bin/hooks.rs:"));
    rows.next().unwrap_or_else(|| panic!("no row for {hook}:\n{}", output.stderr))
}

fn position(output: &Output, line: &str) -> usize {
    let lines = output.lines();
    lines.iter().position(|l| *l == line).unwrap_or_else(|| panic!("no {line:?} in {lines:?}"))
}

#[test]
fn a_hook_that_fails_is_reported_and_the_rest_runs() {
    let output = stopped("error").expect_code(1);
    let row = row(&output, "Sockets::close");
    assert!(row.contains("FAILED") && row.contains("closing the feed: connection reset"), "{row}");
    assert!(row.contains("ms"), "its duration: {row}");
    position(&output, "database done");
}

#[test]
fn a_hook_that_panics_is_reported_and_the_rest_runs() {
    let output = stopped("panic").expect_code(1);
    let row = row(&output, "Sockets::close");
    assert!(row.contains("PANICKED") && row.contains("no socket left"), "{row}");
    position(&output, "database done");
}

#[test]
fn a_hook_that_never_resolves_is_aborted_at_its_timeout() {
    let output = stopped("never").expect_code(1);
    assert!(row(&output, "Sockets::close").contains("TIMED OUT"));
    assert!(output.took >= Duration::from_secs(1), "not before its time: {:?}", output.took);
    position(&output, "sockets done");
    position(&output, "database done");
}

#[test]
fn disconnect_runs_although_persist_failed() {
    let output = stopped("persist-fails").expect_code(1);
    assert!(row(&output, "Recorder::flush").contains("disk full"));
    position(&output, "database done");
}

/// Every run of the service has a hook that spawns, sleeps and blocks: the database's.
#[test]
fn a_blocking_task_that_never_returns_does_not_keep_the_process() {
    let output = stopped("stuck-blocking").expect_code(0);
    assert!(
        output.stderr.contains("threads of the blocking pool still run: left behind"),
        "{}",
        output.stderr
    );
    assert!(output.took < Duration::from_secs(20), "{:?}", output.took);
    position(&output, "database done");
}

#[test]
fn both_instances_of_a_type_are_closed() {
    let output = stopped("two").expect_code(0);
    assert_eq!(output.lines().iter().filter(|line| **line == "database done").count(), 2);
    assert!(row(&output, "Database::close").contains("x 2"));
}

#[test]
fn a_type_with_two_hooks_is_flushed_and_then_closed() {
    let output = stopped("").expect_code(0);
    assert!(position(&output, "persist done") < position(&output, "recorder"));
}

#[test]
fn a_type_that_was_never_managed_is_listed_as_such() {
    let output = stopped("forgotten").expect_code(0);
    assert!(row(&output, "Forgotten::close").contains("not managed"));
    assert!(!output.stdout.contains("forgotten"));
}

#[test]
fn managing_a_type_without_hooks_says_what_to_write_and_is_not_tried_again() {
    let output = Service::new(env!("CARGO_BIN_EXE_hooks")).arg("hookless").run().expect_code(78);
    assert_eq!(output.stderr.matches("panicked at").count(), 1, "{}", output.stderr);
    assert!(output.stderr.contains("`String` has no hook"), "{}", output.stderr);
    assert!(output.stderr.contains("#[lifecycle::component("), "{}", output.stderr);
    assert!(
        output.stderr.contains("panicked at tests/src/bin/hooks.rs:"),
        "the caller's place: {}",
        output.stderr
    );
}

#[test]
fn a_hook_of_a_library_crate_is_found() {
    let output = stopped("").expect_code(0);
    assert!(position(&output, "database done") < position(&output, "library pool"));
}

#[test]
fn a_released_instance_is_not_called() {
    let output = stopped("release").expect_code(0);
    assert!(!output.stdout.contains("sockets"));
    assert!(row(&output, "Sockets::close").contains("not managed"));
}

/// A free function runs once, at its place.
#[test]
fn a_free_function_is_a_hook() {
    let output = stopped("").expect_code(0);
    assert!(position(&output, "database done") < position(&output, "goodbye"));
}

/// What is said goes through `tracing` where somebody subscribed: the plan when the service is up, and the report once.
#[test]
fn a_subscriber_gets_the_plan_and_the_report() {
    let output = stopped("subscriber").expect_code(0);
    let text = &output.stderr;
    assert_eq!(text.matches("INFO lifecycle: shutdown plan").count(), 1, "{text}");
    assert_eq!(text.matches("INFO lifecycle: shutdown took").count(), 1, "{text}");
    let plan = text.find("shutdown plan").expect("counted above");
    let report = text.find("shutdown took").expect("counted above");
    assert!(plan < report, "{text}");
    let row = text[plan..report].lines().find(|line| line.contains("Sockets::close")).expect("a row");
    let (_, row) = row.split_once("lifecycle: ").expect("its target");
    assert!(row.starts_with("disconnect  1  Sockets::close    at most 1s"), "{row}");
    assert!(row.contains("  1 managed  tests/src/bin/hooks.rs:"), "{row}");
}

/// What the platform grants is the whole budget; one warning says so.
#[test]
fn the_budget_is_what_railway_grants() {
    for (granted, says, fits) in
        [("3", "a shutdown has 2s, not 25s", true), ("1", "has 500ms, not 25s", false)]
    {
        let service = Service::new(env!("CARGO_BIN_EXE_hooks")).arg("never").env("RAILWAY_SERVICE_ID", "id");
        let mut service = service.env("RAILWAY_DEPLOYMENT_DRAINING_SECONDS", granted).start();
        service.line("up");
        service.signal(libc::SIGTERM);
        let output = service.wait().expect_code(1);
        let warnings = || output.stderr.lines().filter(|line| line.contains("Railway"));
        assert_eq!(warnings().count(), 1, "{}", output.stderr);
        assert!(warnings().all(|line| line.contains(says)), "{}", output.stderr);
        // The hook that never ends has a second, if the budget allows.
        let row = row(&output, "Sockets::close");
        let took = row.split_whitespace().find_map(millis).expect("a time");
        assert_eq!(took >= 990.0, fits, "{row}");
        assert!(output.stdout.contains("goodbye"), "{}", output.stdout);
    }
}

/// `297.7ms` or `1.0s`.
fn millis(cell: &str) -> Option<f64> {
    let millis = cell.strip_suffix("ms").and_then(|number| number.parse().ok());
    millis.or_else(|| cell.strip_suffix('s')?.parse::<f64>().ok().map(|seconds| seconds * 1000.0))
}
