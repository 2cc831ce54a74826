//! Why a run ends when a task's end ends main, and what a stop lets finish.

use std::time::Duration;

use lifecycle_tests::hang::{self, verdict};
use lifecycle_tests::{Output, Service};

fn ending(scenario: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_ending")).arg(scenario).env("LIFECYCLE_RESTART", "off")
}

fn says(output: &Output, text: &str) {
    assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
}

/// The channel that main reads is closed before the task's failure is known.
#[test]
fn a_task_whose_failure_ends_main_is_the_cause() {
    for scenario in ["returns", "fails", "panics"] {
        let output = ending(scenario).run().expect_code(1);
        says(&output, "cause: task `feed` failed: feed lost");
        assert!(output.stdout.contains("flushed"), "{scenario}: {}", output.stdout);
    }
}

#[test]
fn what_such_a_failure_asks_for_is_done() {
    let output = ending("permanent").env("LIFECYCLE_RESTART", "on").run().expect_code(78);
    assert_eq!(output.stdout.matches("main").count(), 1, "{}", output.stdout);
    says(&output, "feed lost");
}

/// A row of the report, not a crash: main is not run again.
#[test]
fn a_task_that_fails_because_it_is_told_to_stop_is_not_the_cause() {
    let output = ending("stops-badly").env("LIFECYCLE_RESTART", "on").run().expect_code(1);
    assert_eq!(output.stdout.matches("main").count(), 1, "{}", output.stdout);
    says(&output, "cause: main returned");
    says(&output, "stopped halfway");
}

#[test]
fn no_task_is_dropped_while_work_is_under_way() {
    let mut service = ending("settles").start();
    service.line("up");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(output.stdout.contains("settled"), "{}", output.stderr);
    says(&output, "settlement");
}

/// Its first poll comes when the shutdown has begun.
#[test]
fn a_task_that_was_spawned_a_moment_before_a_stop_may_return() {
    let mut service = ending("spawns-late").env("TOKIO_WORKER_THREADS", "1").start();
    service.line("up");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(output.stdout.contains("late ends"), "{}", output.stderr);
}

/// It waits three times as long as the heartbeat could.
#[test]
fn the_heartbeat_of_a_task_that_waits_for_its_restart_rests() {
    let mut service = ending("rests").start();
    service.line("again");
    std::thread::sleep(Duration::from_millis(200));
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(!output.stderr.contains("Hang"), "{}", output.stderr);
}

#[test]
fn it_is_judged_again_once_the_wait_is_over() {
    let mut service = ending("rests-then-hangs").start();
    service.line("again");
    let output = service.wait().expect_code(1);
    assert!(verdict(&output).contains("heartbeat `feed`"), "{}", verdict(&output));
    assert!(verdict(&output).contains("beaten by task `Feed::run`"), "{}", verdict(&output));
    let place = hang::place("tests/src/bin/ending.rs", include_str!("../src/bin/ending.rs"), "hangs");
    let suspect = format!("SUSPECT task `Feed::run`: awaiting a Notify in Feed::run at {place}");
    assert_eq!(output.stderr.matches(&suspect).count(), output.stderr.matches("SUSPECT").count());
    says(&output, &suspect);
}

/// While the task waits, too.
#[test]
fn a_heartbeat_that_others_beat_does_not_rest() {
    let mut service = ending("shares").start();
    service.line("hangs");
    let output = service.wait().expect_code(1);
    assert!(verdict(&output).contains("`feed`"), "{}", output.stderr);
    assert!(!output.stdout.contains("again"), "{}", output.stdout);
}
