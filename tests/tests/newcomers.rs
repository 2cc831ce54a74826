//! What bites on the first day: each mistake is said once, in words, with what to write.

use std::sync::Arc;

use lifecycle_tests::{Output, Service, ledger};
use serde_json::Value;

const NEWCOMER: &str = env!("CARGO_BIN_EXE_newcomer");

fn newcomer(scenario: &str) -> Service {
    Service::new(NEWCOMER).arg(scenario)
}

/// How often it says something.
fn says(output: &Output, text: &str) -> usize {
    output.stderr.matches(text).count()
}

#[test]
fn a_type_without_hooks_is_a_mistake_that_no_restart_mends() {
    for scenario in ["unmanageable", "unmanageable-task"] {
        let output = newcomer(scenario).run().expect_code(78);
        assert_eq!(says(&output, "panicked at tests/src/bin/newcomer.rs:"), 1, "{}", output.stderr);
        assert!(says(&output, "`Cache` has no hook") > 0, "{}", output.stderr);
        assert!(says(&output, "#[lifecycle::component(") > 0, "{}", output.stderr);
        assert_eq!(ledger::crashes(output.folder.path()), 1);
    }
    let output = newcomer("unmanageable-caught").env("LIFECYCLE_RESTART", "off").run().expect_code(1);
    assert!(says(&output, "another reason") > 0, "{}", output.stderr);
}

/// The mark of a process, as the ledger has it.
fn mark(folder: &std::path::Path, pid: u32) -> Value {
    let runs = ledger::read(folder)["runs"].clone();
    let mut marks = runs.as_array().expect("a list").iter();
    marks.find(|mark| mark["pid"] == pid).unwrap_or_else(|| panic!("no mark of {pid}: {runs}")).clone()
}

/// `--help`, or a wrong argument, while the service runs: nothing is said of the service, then or later.
#[test]
fn a_run_that_exits_at_once_changes_nothing_for_the_one_that_is_up() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let mut service = Service::inside(NEWCOMER, folder.clone()).arg("serve").start();
    service.line("managed");
    let pid = service.pid();
    let before = mark(folder.path(), pid);
    for (scenario, code) in [("help", 0), ("usage", 2), ("help", 0)] {
        let output = Service::inside(NEWCOMER, folder.clone()).arg(scenario).run().expect_code(code);
        assert_eq!(output.stderr, "", "{scenario}");
        assert_eq!(mark(folder.path(), pid), before, "{scenario}");
        assert_eq!(ledger::crashes(folder.path()), 0, "{scenario}");
    }
    service.signal(libc::SIGKILL);
    let _ = service.wait();
    // The one that was killed ended last, although the others began later.
    let mut next = Service::inside(NEWCOMER, folder.clone()).arg("serve").start();
    next.line(&format!("previous run (pid {pid}) was killed"));
    next.line("managed");
    next.signal(libc::SIGTERM);
    let output = next.wait().expect_code(0);
    assert_eq!(ledger::crashes(folder.path()), 1, "{}", output.stderr);
}

#[test]
fn each_text_of_an_error_is_said_once() {
    for (scenario, text) in [
        ("fails", "Error: no prices\n\nCaused by:\n    cannot load the book: disk on fire\nERROR"),
        ("fails-flat", "Error: no prices: cannot load the book: disk on fire\nERROR"),
        ("task-fails", "cause: task `feed` failed: no prices: cannot load the book: disk on fire\n"),
    ] {
        let output = newcomer(scenario).env("LIFECYCLE_RESTART", "off").run().expect_code(1);
        assert!(output.stderr.contains(text), "{scenario}: {}", output.stderr);
        assert_eq!(says(&output, "disk on fire: disk on fire"), 0, "{scenario}: {}", output.stderr);
    }
}

#[test]
fn a_socket_that_cannot_be_had_is_named_as_it_was_written() {
    let output = newcomer("listens").env("LIFECYCLE_RESTART", "off").run().expect_code(0);
    let other = output.lines().iter().find_map(|line| line.strip_prefix("other ")).expect("bound").to_owned();
    let host = "x".repeat(70);
    for text in [
        format!("{other} fails: cannot listen on {other}: "),
        format!("{host}:80 fails: cannot listen on \"{host}:80\": "),
        "8080 fails: cannot listen on \"8080\": ".to_owned(),
        format!("pair fails: cannot listen on (\"{host}\", 81): "),
    ] {
        assert!(output.stdout.contains(&text), "{text}: {}\n{}", output.stdout, output.stderr);
    }
    assert!(output.stdout.contains("write for example \"0.0.0.0:8080\""), "{}", output.stdout);
}

#[test]
fn a_plan_before_main_says_what_it_cannot_know() {
    let output = newcomer("serve").env("LIFECYCLE_PLAN", "1").run().expect_code(0);
    let row = output.stdout.lines().find(|line| line.contains("Store::close")).expect("a row");
    assert!(row.split_whitespace().any(|cell| cell == "?"), "not a number: {row}");
    assert!(output.stdout.contains("that main hands to lifecycle::manage"), "{}", output.stdout);
    assert!(output.stdout.contains("main has not run"), "{}", output.stdout);
    assert!(!output.stdout.contains("up\n"), "{}", output.stdout);
}

#[test]
fn a_misspelt_variable_is_a_warning_that_names_the_right_one() {
    let mut service = newcomer("serve")
        .env("LIFECYCLE_SHUTDOWN_TIMOUT", "30s")
        .env("LIFECYCLE_STAGE", "production")
        .start();
    service.line("managed");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    let meant = "LIFECYCLE_SHUTDOWN_TIMOUT is not a variable of lifecycle, and does nothing: did you mean \
                 LIFECYCLE_SHUTDOWN_TIMEOUT?";
    assert_eq!(says(&output, meant), 1, "{}", output.stderr);
    assert_eq!(says(&output, "LIFECYCLE_STAGE is not a variable"), 1, "{}", output.stderr);
}

#[test]
fn a_time_without_a_unit_is_refused_with_the_one_that_was_meant() {
    let output = newcomer("serve").env("LIFECYCLE_DRAIN", "30").run().expect_code(78);
    assert!(output.stderr.contains("LIFECYCLE_DRAIN=30: has no unit: write \"30s\""), "{}", output.stderr);
}
