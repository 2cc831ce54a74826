//! Reports of a service that goes on: on SIGQUIT, from code, for a late hook, for a task that does not leave its poll.

use lifecycle_tests::{Service, hang};

const SOURCE: &str = include_str!("../src/bin/serves.rs");

fn place(mark: &str) -> String {
    hang::place("tests/src/bin/serves.rs", SOURCE, mark)
}

fn serves(scenario: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_serves"))
        .arg(scenario)
        .env("LIFECYCLE_WATCHDOG_TIMEOUT", "1s")
        .env("LIFECYCLE_RESTART", "off")
}

/// H3, H4: what the hook was at, before it was aborted.
#[test]
fn a_late_hook_is_shown() {
    for (scenario, cause) in [("hook", "awaiting a Notify"), ("hook-blocks", "blocking sleep")] {
        let mut service = serves(scenario).start();
        service.line("turn");
        service.signal(libc::SIGTERM);
        let output = service.wait().expect_code(1);
        hang::suspect(
            &output.stderr,
            &["in task `Pool::close`", cause, &place(scenario)].map(|word| {
                // A task that waits has no thread.
                if scenario == "hook" { word.trim_start_matches("in ") } else { word }
            }),
        );
        assert!(output.stderr.contains("LATE"), "{}", output.stderr);
    }
}

#[test]
fn a_task_that_does_not_leave_its_poll_is_warned_about_once() {
    let mut service = serves("partial").start();
    service.line("while heartbeats go on");
    for _ in 0..60 {
        service.line("turn");
    }
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.stderr.matches("while heartbeats go on").count(), 1, "{}", output.stderr);
    hang::suspect(&output.stderr, &["in task `import`: blocking sleep", &place("partial")]);
}

/// S9, many times; nothing is lost, and nothing is left behind.
#[test]
fn sigquit_reports_and_the_service_goes_on() {
    let mut service = serves("serve").env("LIFECYCLE_WATCHDOG_TIMEOUT", "30s").start();
    service.line("serves");
    let report = |service: &mut lifecycle_tests::Running| {
        service.signal(libc::SIGQUIT);
        service.line("end of the hang report");
        service.line("turn");
    };
    (0..5).for_each(|_| report(&mut service));
    let before = (descriptors(service.pid()), mappings(service.pid()));
    (0..15).for_each(|_| report(&mut service));
    let after = (descriptors(service.pid()), mappings(service.pid()));
    assert!(after.0 <= before.0 && after.1 <= before.1 + 8, "{before:?} {after:?}");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.stderr.matches("hang report of process").count(), 20);
    assert!(output.stderr.contains("`waiter`"), "{}", output.stderr);
    assert!(!output.stderr.contains("SUSPECT task"), "{}", output.stderr);
}

fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it lives").count()
}

fn mappings(pid: u32) -> usize {
    std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("it lives").lines().count()
}

/// A walk over a stack that leads nowhere must not take the service along.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_broken_stack_harms_nobody() {
    let mut service = serves("broken").start();
    // By then the thread has come to its broken frame.
    service.line("turn 5");
    for _ in 0..3 {
        service.signal(libc::SIGQUIT);
        service.line("its stack is broken");
        service.line("end of the hang report");
        service.line("turn");
    }
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

#[test]
fn a_report_can_be_had_from_code() {
    let mut service = serves("report").start();
    service.line("which goes on");
    service.line("`waiter` (tests/src/bin/serves.rs:");
    service.line("end of the hang report");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(output.stdout.contains("awaiting a Notify in wait_for_fill"), "{}", output.stdout);
}
