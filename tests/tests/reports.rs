//! Reports of a service that goes on: on SIGQUIT, from code, for a late hook, for a task that does not leave its poll.

use libc::{SIGABRT, SIGBUS, SIGFPE, SIGHUP, SIGILL, SIGINT, SIGQUIT, SIGSEGV, SIGSYS, SIGTERM};
use lifecycle_tests::clients::Clients;
use lifecycle_tests::process::{self, Held};
use lifecycle_tests::{Running, Service, hang};

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

/// What the hook was at, before it was aborted.
#[test]
fn a_late_hook_is_shown() {
    for (scenario, cause) in [("hook", "awaiting a Notify"), ("hook-blocks", "blocking sleep")] {
        let mut service = serves(scenario).start();
        service.line("turn");
        service.signal(SIGTERM);
        let output = service.wait().expect_code(1);
        hang::suspect(
            &output.stderr,
            &["in task `Pool::close`", cause, &place(scenario)].map(|word| {
                // A task that waits has no thread.
                if scenario == "hook" { word.trim_start_matches("in ") } else { word }
            }),
        );
        assert!(output.stderr.contains("TIMED OUT"), "{}", output.stderr);
    }
}

#[test]
fn a_task_that_does_not_leave_its_poll_is_warned_about_once() {
    let mut service = serves("partial").start();
    service.line("while heartbeats go on");
    for _ in 0..60 {
        service.line("turn");
    }
    service.signal(SIGTERM);
    // It is a tracked task that blocks its thread: left behind, which is no success.
    let output = service.wait().expect_code(1);
    assert_eq!(output.stderr.matches("while heartbeats go on").count(), 1, "{}", output.stderr);
    hang::suspect(&output.stderr, &["in task `import`: blocking sleep", &place("partial")]);
}

/// Many times; no request fails, no report is lost, and nothing is left behind. `SIGQUIT_REPORTS=1000` is the long run.
#[test]
fn sigquit_reports_of_a_busy_service() {
    let count: usize = std::env::var("SIGQUIT_REPORTS").map_or(30, |count| count.parse().expect("a number"));
    let mut service = serves("tcp").env("LIFECYCLE_WATCHDOG_TIMEOUT", "30s").start();
    let port = service.line("port").trim_start_matches("port ").parse().expect("a port");
    let clients = Clients::start(port, 6);
    // What is made once and kept is made by then.
    (0..5).for_each(|_| report(&mut service, &clients));
    let before = Held::by(service.pid());
    (5..count).for_each(|_| report(&mut service, &clients));
    let after = Held::by(service.pid());
    eprintln!("{count} reports, {} requests, {before:?} {after:?}", clients.answers());
    assert!(clients.stop() > 100, "the service was not busy");
    // The pool of blocking threads, and with it their stacks, comes and goes with the load.
    let threads = after.threads.saturating_sub(before.threads);
    assert!(after.descriptors <= before.descriptors, "{before:?} {after:?}");
    assert!(after.mappings <= before.mappings + 8 + 4 * threads, "{before:?} {after:?}");
    assert!(after.resident <= before.resident + 4096, "{before:?} {after:?}");
    service.signal(SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.stderr.matches("hang report of process").count(), count);
    assert_eq!(output.stderr.matches("end of the hang report").count(), count);
    assert!(output.stderr.contains("`waiter`"), "{}", output.stderr);
}

/// One more, during which the service goes on with its work.
fn report(service: &mut Running, clients: &Clients) {
    service.signal(SIGQUIT);
    service.line("end of the hang report");
    let answers = clients.answers();
    while clients.answers() == answers {
        service.line("turn");
    }
}

/// What `docs/hangs.md` promises for normal running: no handler of the report's, no thread but those that it names.
#[test]
fn nothing_is_installed_before_and_after_a_report() {
    let mut service = Service::new(env!("CARGO_BIN_EXE_serves")).start();
    service.line("turn 20");
    let pid = service.pid();
    // glibc keeps 32 and 33 for itself, and installs the latter with the first thread.
    let signals = || process::caught_signals(pid).into_iter().filter(|signal| ![32, 33].contains(signal));
    let installed = || (signals().collect::<Vec<_>>(), process::thread_names(pid));
    let before = installed();
    let mut documented = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS];
    documented.sort_unstable();
    assert_eq!(before.0, documented, "signals with a handler");
    let mut ours: Vec<&str> = before.1.iter().map(String::as_str).collect();
    ours.retain(|name| name.starts_with("lifecycle-"));
    // The kernel keeps 15 bytes of a name: here `-ledger`, `-log`, `-report`, `-watchdog`.
    assert_eq!(
        ours,
        ["lifecycle-ledge", "lifecycle-log", "lifecycle-repor", "lifecycle-watch"],
        "{:?}",
        before.1
    );
    for _ in 0..3 {
        service.signal(SIGQUIT);
        service.line("end of the hang report");
        service.line("turn");
    }
    assert_eq!(installed(), before);
    service.signal(SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(output.stderr.contains("`waiter`"), "{}", output.stderr);
    assert!(!output.stderr.contains("SUSPECT"), "{}", output.stderr);
}

/// Pools, turns, room in channels, permits: whoever waits as it is made to is shown, and not accused.
#[test]
fn what_waits_by_design_is_no_suspect() {
    let mut service = Service::new(env!("CARGO_BIN_EXE_by_design")).start();
    service.line("up");
    std::thread::sleep(std::time::Duration::from_secs(2));
    for _ in 0..5 {
        service.signal(SIGQUIT);
        service.line("end of the hang report");
    }
    service.signal(SIGTERM);
    let output = service.wait();
    for shown in ["blocked on a Mutex, state S", "awaiting a Semaphore", "`producer`"] {
        assert!(output.stderr.contains(shown), "{shown}: {}", output.stderr);
    }
    assert!(!output.stderr.contains("SUSPECT"), "{}", output.stderr);
}

/// Each report costs a helper: a service that is always slow must not spend its time on them.
#[test]
fn a_heartbeat_that_is_late_again_and_again_is_reported_once() {
    let mut service = serves("slow").start();
    service.line("turn 8");
    service.signal(SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.stderr.matches("at half-time of heartbeat").count(), 1, "{}", output.stderr);
    assert!(output.stderr.matches("(half of its 1 s timeout)").count() > 3, "{}", output.stderr);
}

/// A walk over a stack that leads nowhere must not take the service along.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_broken_stack_harms_nobody() {
    let mut service = serves("broken").start();
    // By then the thread has come to its broken frame.
    service.line("turn 5");
    for _ in 0..3 {
        service.signal(SIGQUIT);
        service.line("its stack is broken");
        service.line("end of the hang report");
        service.line("turn");
    }
    service.signal(SIGTERM);
    let _ = service.wait().expect_code(0);
}

#[test]
fn a_report_can_be_had_from_code() {
    let mut service = serves("report").start();
    service.line("which goes on");
    service.line("`waiter` (tests/src/bin/serves.rs:");
    service.line("end of the hang report");
    service.signal(SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(output.stdout.contains("awaiting a Notify in wait_for_fill"), "{}", output.stdout);
}
