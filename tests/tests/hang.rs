//! The hang report: for each way to hang, the function and the line that it must name. The limit is 1 s.

use std::time::{Duration, Instant};

use lifecycle_tests::hang::{self, suspect};
use lifecycle_tests::{Output, Service, pipe};

const SOURCE: &str = include_str!("../src/bin/matrix.rs");

fn place(mark: &str) -> String {
    hang::place("tests/src/bin/matrix.rs", SOURCE, mark)
}

/// `MATRIX` is another build of it: `./test` gives one with optimisations.
fn matrix(scenario: &str) -> Service {
    let built = std::env::var("MATRIX");
    Service::new(built.as_deref().unwrap_or(env!("CARGO_BIN_EXE_matrix")))
        .arg(scenario)
        .env("LIFECYCLE_WATCHDOG_TIMEOUT", "1s")
        .env("LIFECYCLE_WATCHDOG_STARTUP", "2s")
        .env("LIFECYCLE_RESTART", "off")
}

/// What stands behind the verdict.
fn fatal(output: &Output) -> &str {
    assert_eq!(output.stderr.matches("CRITICAL 🚨 System Hang Detected").count(), 1, "{}", output.stderr);
    output.stderr.split_once("CRITICAL").expect("counted above").1
}

/// Runs a row of the matrix, and asserts that cause, function and line are named.
fn row(scenario: &str, mark: &str, cause: &str, function: &str) -> String {
    let output = matrix(scenario).run().expect_code(1);
    let report = fatal(&output).to_owned();
    assert!(report.contains("end of the hang report"), "{report}");
    suspect(&report, &[cause, &format!("in {function} at {}", place(mark))]);
    report
}

#[test]
fn threads_that_wait_for_each_other() {
    row("mutex", "mutex", "blocked on a Mutex", "mutex");
    row("rwlock", "rwlock", "blocked on an RwLock", "rwlock");
    row("condvar", "condvar", "waiting on a Condvar", "condvar");
    row("channel", "channel", "waiting on a channel", "channel");
}

#[test]
fn two_locks_in_two_orders() {
    let report = row("abba", "abba debit", "in task `debit`: blocked on a Mutex", "debit");
    suspect(&report, &["in task `credit`: blocked on a Mutex", "credit", &place("abba credit")]);
    assert!(report.contains("wait for different locks: a cycle"), "{report}");
}

#[test]
fn every_worker_in_one_lock() {
    let report = row("workers", "workers", "blocked on a Mutex", "workers");
    assert!(report.contains("4 threads wait for one lock"), "{report}");
    let waiter = report.lines().find(|line| line.starts_with("  `waiter`")).expect("a line of its own");
    assert!(waiter.contains("woken but not polled: no free worker"), "{waiter}");
}

#[test]
fn threads_that_sleep_or_spin() {
    row("sleep", "sleep", "blocking sleep", "sleeping");
    row("spin", "spin", "spinning", "spin");
    row("select", "select", "spinning", "busy");
}

#[test]
fn a_drop_that_takes_ages() {
    row("drop", "drop", "spinning", "Order::drop");
}

#[test]
fn threads_that_wait_for_the_world() {
    row("connect", "connect", "blocked connecting to a socket to 127.0.0.1:", "connect");
    row("read", "read", "blocked reading from a socket to 127.0.0.1:", "read_socket");
    let report = row("fifo", "fifo", "blocked reading from the FIFO", "read_fifo");
    suspect(&report, &["/orders (file descriptor "]);
    row("child", "child", "waiting for a child process", "child");
}

#[test]
fn tasks_that_wait_for_each_other() {
    row("tokio-mutex", "tokio-mutex", "task `main`: awaiting a tokio Mutex", "refresh_token");
    row("full", "full", "task `main`: awaiting room in a channel", "full");
    row("join", "join", "task `main`: awaiting a Notify", "wait_for_fill");
    row("stopping", "stopping", "task `main`: awaiting a Notify", "wait_for_work");
}

#[test]
fn an_await_that_registers_no_waker_is_named_by_its_breadcrumb() {
    let output = matrix("pending").run().expect_code(1);
    suspect(fatal(&output), &["heartbeat", "at the await at", &place("pending")]);
}

#[test]
fn a_runtime_that_is_driven_inside_of_itself() {
    row("block_on", "block_on", "blocked in block_on", "block_on");
}

/// 512 threads: grouped, and within the time.
#[test]
fn an_exhausted_blocking_pool() {
    let report = row("pool", "pool", "512 threads", "pool");
    assert!(report.lines().count() < 100, "{report}");
}

/// Nothing on the way to the exit may allocate.
#[test]
fn a_stuck_allocator() {
    row("allocator", "allocator", "stuck in the allocator", "hoard");
}

#[test]
fn a_start_up_that_blocks() {
    row("startup", "startup", "blocking sleep", "main");
}

#[test]
fn half_time_tells_a_deadlock_from_slowness() {
    let output = matrix("mutex").env("LIFECYCLE_WATCHDOG_TIMEOUT", "4s").run().expect_code(1);
    let (half, end) = output.stderr.split_once("CRITICAL").expect("a verdict");
    suspect(half, &["blocked on a Mutex in mutex", &place("mutex")]);
    suspect(end, &["blocked on a Mutex in mutex", "same stack as at half-time (deadlock?)"]);
    let output = matrix("spin").env("LIFECYCLE_WATCHDOG_TIMEOUT", "4s").run().expect_code(1);
    suspect(fatal(&output), &["spinning", "s of CPU in the"]);
}

/// A file that cannot be written is told at the start.
#[test]
fn a_report_file_that_cannot_be_written_is_a_warning() {
    let mut service = matrix("serve").env("LIFECYCLE_HANG_REPORT", "/no/such/folder/hang.txt").start();
    let warning = service.line("LIFECYCLE_HANG_REPORT=/no/such/folder/hang.txt");
    assert!(warning.contains("hang reports go to stderr only"), "{warning}");
    service.signal(libc::SIGTERM);
    let _ = service.wait();
}

#[test]
fn reports_go_to_a_file_and_can_be_unfolded() {
    let output = matrix("mutex").env("LIFECYCLE_HANG_REPORT", "hang.txt").run().expect_code(1);
    let file = std::fs::read_to_string(output.path("hang.txt")).expect("the file");
    assert_eq!(file.matches("CRITICAL").count(), 1, "{file}");
    suspect(&file, &["blocked on a Mutex in mutex"]);
    assert!(file.contains("runtime frames"), "{file}");
    let output = matrix("mutex").env("LIFECYCLE_HANG_FRAMES", "full").run().expect_code(1);
    assert!(!output.stderr.contains("runtime frames"), "{}", output.stderr);
    assert!(output.stderr.contains("lifecycle_core::supervisor::runtime::run_async"), "{}", output.stderr);
}

/// A stderr that nobody reads costs the report, never the exit.
#[test]
fn a_full_stderr_does_not_hold_up_the_exit() {
    let (reader, writer) = pipe::full();
    let mut service = matrix("mutex").env("LIFECYCLE_HANG_REPORT", "hang.txt");
    service.command().stderr(writer);
    let started = Instant::now();
    let output = service.run().expect_code(1);
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    drop(reader);
    let file = std::fs::read_to_string(output.path("hang.txt")).expect("the file");
    suspect(&file, &["blocked on a Mutex in mutex"]);
}

/// An executable that a deployment has replaced: names, without lines.
#[test]
fn a_deleted_executable_still_names_functions() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("service");
    std::fs::copy(env!("CARGO_BIN_EXE_matrix"), &copy).expect("a copy");
    let mut service = Service::new(copy.to_str().expect("a path"))
        .arg("mutex")
        .env("LIFECYCLE_WATCHDOG_TIMEOUT", "1s")
        .env("LIFECYCLE_RESTART", "off")
        .start();
    service.line("up");
    std::fs::remove_file(&copy).expect("ours");
    let output = service.wait().expect_code(1);
    suspect(fatal(&output), &["blocked on a Mutex in mutex"]);
}

/// The fallbacks, one by one, each as a sandbox makes it necessary.
#[test]
fn a_sandbox_costs_lines_at_most() {
    let forbidding = |what: &str, scenario: &str| {
        let output = matrix(scenario).env("FORBID", what).run().expect_code(1);
        fatal(&output).to_owned()
    };
    let report = forbidding("queued signals", "mutex");
    suspect(&report, &["blocked on a Mutex", &format!("in mutex at {}", place("mutex"))]);
    suspect(&forbidding("exec", "mutex"), &["blocked on a Mutex in mutex"]);
    suspect(&forbidding("memory files", "mutex"), &["blocked on a Mutex in mutex"]);
    suspect(&forbidding("exec", "spin"), &["spinning", "in spin"]);
    // No name of the user's is known then; but the report is made, and says which task does not come back.
    let report = forbidding("signals", "mutex");
    assert!(report.contains("`main`: in poll") && report.contains("end of the hang report"), "{report}");
}

/// Neither a helper nor memory: still names.
#[test]
fn a_stuck_allocator_in_a_sandbox() {
    let output = matrix("allocator").env("FORBID", "exec").run().expect_code(1);
    suspect(fatal(&output), &["stuck in the allocator in hoard"]);
}

/// Without names: where to look for them.
#[test]
fn a_stripped_executable_says_how_to_find_the_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("service");
    let strip = |argument: &str| {
        let mut command = std::process::Command::new("strip");
        command.arg(argument).arg("-o").arg(&copy).arg(env!("CARGO_BIN_EXE_matrix"));
        assert!(command.status().expect("binutils, as the linker needs them").success());
    };
    let run = || {
        let service = Service::new(copy.to_str().expect("a path")).arg("mutex");
        service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "1s").env("LIFECYCLE_RESTART", "off").run().expect_code(1)
    };
    strip("--strip-debug");
    suspect(fatal(&run()), &["blocked on a Mutex in mutex"]);
    strip("--strip-all");
    let output = run();
    let hint = output.stderr.lines().rfind(|line| line.contains("addr2line -Cfipe service 0x"));
    let hint = hint.unwrap_or_else(|| panic!("no hint in\n{}", output.stderr));
    let addresses: Vec<&str> = hint.split_ascii_whitespace().filter(|word| word.starts_with("0x")).collect();
    let mut command = std::process::Command::new("addr2line");
    command.arg("-Cfipe").arg(env!("CARGO_BIN_EXE_matrix")).args(addresses);
    let found = String::from_utf8(command.output().expect("binutils").stdout).expect("a text");
    assert!(found.contains(&place("mutex")), "{hint}\n{found}");
}
