//! How a run ends, and what the process exits with.

use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Running, Service, ledger};

fn body(scenario: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_body")).arg(scenario).env("LIFECYCLE_RESTART", "off")
}

fn up(service: Service) -> Running {
    let mut service = service.start();
    service.line("up");
    service
}

fn terminated(service: Service) -> (Output, Duration) {
    let service = up(service);
    std::thread::sleep(Duration::from_millis(50));
    let sent = Instant::now();
    service.signal(libc::SIGTERM);
    let output = service.wait();
    (output, sent.elapsed())
}

#[test]
fn main_that_returns_is_a_graceful_end() {
    let output = body("ok").env("LIFECYCLE_RESTART", "on").run().expect_code(0);
    assert_eq!(output.lines(), ["up", "main gone", "hook stop", "hook persist", "hook telemetry"]);
    assert!(output.stderr.contains("main returned"));
    assert_eq!(ledger::crashes(output.folder.path()), 0);
    assert_eq!(ledger::state(output.folder.path()), "clean");
}

#[test]
fn main_that_fails_runs_the_hooks_and_prints_its_error_once() {
    let output = body("err").run().expect_code(1);
    assert!(output.stdout.contains("hook persist"));
    let text = "Error: cannot trade\n\nCaused by:\n    no route to exchange\n";
    assert_eq!(output.stderr.matches(text).count(), 1, "{}", output.stderr);
    assert_eq!(output.stderr.matches("no route to exchange").count(), 1, "{}", output.stderr);
    assert!(!output.path(".restart_count").exists(), "restart = false has no ledger");
}

#[test]
fn main_that_panics_runs_the_hooks() {
    let output = body("panic").run().expect_code(1);
    assert!(output.stdout.contains("hook persist"));
    assert_eq!(output.stderr.matches("main gives up").count(), 1, "{}", output.stderr);
    assert!(output.stderr.contains("main panicked"));
}

#[test]
fn a_tracked_task_that_fails_ends_the_run_as_a_failure() {
    for (scenario, says) in [
        ("task-panics", "task `feed` panicked: a price below zero"),
        ("task-fails", "task `feed` failed: feed lost: connection reset"),
    ] {
        let output = body(scenario).run().expect_code(1);
        assert!(output.stdout.contains("hook persist"));
        assert!(output.stderr.contains(says), "{}", output.stderr);
    }
    let output = body("task-ends").run().expect_code(0);
    assert!(output.stderr.contains("enough"));
    let (output, _) = terminated(body("task-panics-in-drain"));
    assert!(output.expect_code(1).stderr.contains("cannot unsubscribe"));
    let (output, _) = terminated(body("error-in-drain"));
    assert!(output.expect_code(1).stderr.contains("cannot settle"));
}

#[test]
fn a_main_that_never_checks_for_shutdown_is_dropped_at_once_after_stop_and_is_a_row() {
    let (output, took) = terminated(body("never-checks").env("LIFECYCLE_DRAIN", "20s"));
    let output = output.expect_code(0);
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(output.lines(), ["up", "hook stop", "main gone", "hook persist", "hook telemetry"]);
    assert!(
        output.stderr.contains("task `main` DROPPED at once: never checks for shutdown"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("everything stopped, 1 task by being dropped: exit code 0"));
}

#[test]
fn a_main_whose_plain_task_or_thread_checks_for_shutdown_is_waited_for() {
    for scenario in ["plain-task-checks", "thread-checks"] {
        let (output, _) = terminated(body(scenario));
        let output = output.expect_code(0);
        let served = "hook stop\nserved the last request\nmain gone\nhook persist";
        assert!(output.stdout.contains(served), "{scenario}: {}", output.stdout);
    }
}

/// Ctrl-C on an endless loop is instant all the same, and no lie.
#[test]
fn a_main_that_blocks_its_thread_is_left_behind_named_and_no_success() {
    let (output, took) = terminated(body("blocks").env("LIFECYCLE_DRAIN", "20s"));
    let output = output.expect_code(1);
    assert!(output.stderr.contains("task `main` STUCK"), "{}", output.stderr);
    // A second is what the runtime has for its end.
    let said =
        output.stderr.split("shutdown took ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or("");
    let seconds: f64 = said.trim_end_matches('s').parse().unwrap_or(0.0);
    assert!(seconds >= 1.0, "the end of the runtime belongs to the shutdown: {}", output.stderr);
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(output.lines(), ["up", "hook stop", "hook persist", "hook telemetry"]);
}

#[test]
fn a_main_or_task_that_listens_has_its_drain_time() {
    for scenario in ["token", "loop"] {
        let (output, _) = terminated(body(scenario));
        let output = output.expect_code(0);
        let lines = output.lines();
        let at = |text: &str| {
            lines.iter().position(|line| *line == text).unwrap_or_else(|| panic!("{text} in {lines:?}"))
        };
        assert!(at("hook stop") < at("drained") && at("drained") < at("hook persist"), "{lines:?}");
    }
    let (output, _) = terminated(body("task-drains"));
    assert!(output.expect_code(0).stdout.contains("feed drained\nfeed gone\nhook persist"));
    let (output, took) = terminated(body("too-slow").env("LIFECYCLE_DRAIN", "300ms"));
    let output = output.expect_code(0);
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(20), "{took:?}");
    assert!(output.stdout.contains("main gone\nhook persist"), "{}", output.stdout);
    assert!(!output.stdout.contains("drained"), "{}", output.stdout);
    assert!(output.stderr.contains("`main` DROPPED: did not return"), "{}", output.stderr);
}

#[test]
fn a_requested_shutdown_is_graceful_and_its_reason_reported() {
    let output = body("request").run().expect_code(0);
    assert!(output.stderr.contains("the books are closed"), "{}", output.stderr);
}

#[test]
fn a_wrong_configuration_starts_nothing() {
    for (name, value) in [
        ("LIFECYCLE_DRAIN", "5"),
        ("LIFECYCLE_SHUTDOWN_TIMEOUT", "soon"),
        ("LIFECYCLE_WATCHDOG_TIMEOUT", "0s"),
        ("LIFECYCLE_RESTART", "sometimes"),
        ("LIFECYCLE_RESTART_FACTOR", "-2"),
        ("LIFECYCLE_PLAN", "perhaps"),
    ] {
        let output =
            Service::new(env!("CARGO_BIN_EXE_body")).arg("ok").env(name, value).run().expect_code(78);
        assert_eq!(output.stdout, "");
        assert!(output.stderr.contains(&format!("{name}={value}")), "{}", output.stderr);
        assert!(!output.path(".restart_count").exists());
    }
    let output = Service::new(env!("CARGO_BIN_EXE_unreadable")).run().expect_code(78);
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("phase \"disconnect\" has two ranks"), "{}", output.stderr);
    assert!(!output.path(".restart_count").exists());
}

/// The plan without running main.
#[test]
fn the_plan_is_printed_and_main_not_run() {
    let output = Service::new(env!("CARGO_BIN_EXE_body")).env("LIFECYCLE_PLAN", "1").run().expect_code(0);
    let lines = output.lines();
    assert_eq!(lines.len(), 7, "{lines:?}");
    for (line, says) in lines.iter().zip([
        "phase",
        "State::stop",
        "State::flush",
        "export",
        "?: main decides",
        "main has not run",
    ]) {
        assert!(line.contains(says), "{lines:?}");
    }
    assert!(lines[6].contains("grant at least 26 s: "), "{lines:?}");
    assert!(lines[2].contains("src/bin/body.rs:"), "where declared: {lines:?}");
    assert!(!output.path(".restart_count").exists());
}

/// 20 000 calls; far under the time that one-by-one sleeps or quadratic work would take.
#[test]
fn ten_thousand_components_are_stopped_in_order() {
    let output = Service::new(env!("CARGO_BIN_EXE_many")).run().expect_code(0);
    assert_eq!(output.lines(), ["up", "20000 calls, last 9999"]);
    assert!(output.stderr.contains("Component::close x 10000"), "{}", output.stderr);
}

#[test]
fn a_service_without_hooks_stops() {
    let (output, _) = terminated(Service::new(env!("CARGO_BIN_EXE_nothing")));
    let _ = output.expect_code(0);
}

/// A plain `fn main`, the same in all respects.
#[test]
fn a_sync_main_is_stopped_drained_and_reported() {
    let sync = |scenario: &str| {
        Service::new(env!("CARGO_BIN_EXE_sync")).arg(scenario).env("LIFECYCLE_RESTART", "off")
    };
    let (output, _) = terminated(sync("listens"));
    assert_eq!(output.expect_code(0).lines(), ["up", "returned", "flushed"]);
    let (output, took) = terminated(sync("never-checks").env("LIFECYCLE_DRAIN", "20s"));
    let output = output.expect_code(1);
    assert_eq!(output.lines(), ["up", "flushed"]);
    assert!(output.stderr.contains("task `main` STUCK"), "{}", output.stderr);
    assert!(took < Duration::from_secs(10), "{took:?}");
    let output = sync("err").run().expect_code(1);
    assert!(output.stderr.contains("Error: \"no disk\""), "{}", output.stderr);
}

#[test]
fn a_shutdown_that_takes_its_time_says_what_it_waits_for() {
    let mut service = body("too-slow").env("LIFECYCLE_DRAIN", "8s").start();
    service.line("up");
    service.signal(libc::SIGTERM);
    let line = service.line("waiting for");
    assert!(line.contains(" s left, waiting for task `main`"), "{line}");
    service.signal(libc::SIGKILL);
    let _ = service.wait();
}
