//! The hang report: for each way to hang, the function and the line that it must name. The limit is 1 s.

use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Service, pipe};

const SOURCE: &str = include_str!("../src/bin/matrix.rs");

/// Where the line stands that ends with `// <mark>`, as a report shows it.
fn place(mark: &str) -> String {
    let mark = format!("// {mark}");
    let line = SOURCE.lines().position(|line| line.ends_with(&mark)).unwrap_or_else(|| panic!("no {mark}"));
    format!("tests/src/bin/matrix.rs:{}", line + 1)
}

fn matrix(scenario: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_matrix"))
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

/// Asserts that one SUSPECT line of `report` holds all the words.
#[track_caller]
fn suspect(report: &str, words: &[&str]) {
    let fits = |line: &str| line.starts_with("SUSPECT") && words.iter().all(|word| line.contains(word));
    assert!(report.lines().any(fits), "no SUSPECT with {words:?} in\n{report}");
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
}

#[test]
fn threads_that_sleep_or_spin() {
    row("sleep", "sleep", "blocking sleep", "sleeping");
    row("spin", "spin", "spinning", "spin");
    row("select", "select", "spinning", "busy");
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

/// H3, H4: what the hook was at, before it was aborted.
#[test]
fn a_late_hook_is_shown() {
    for (scenario, cause) in [("hook", "awaiting a Notify"), ("hook-blocks", "blocking sleep")] {
        let mut service = matrix(scenario).start();
        service.line("turn");
        service.signal(libc::SIGTERM);
        let output = service.wait().expect_code(1);
        suspect(
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
    let mut service = matrix("partial").start();
    service.line("while heartbeats go on");
    for _ in 0..60 {
        service.line("turn");
    }
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.stderr.matches("while heartbeats go on").count(), 1, "{}", output.stderr);
    suspect(&output.stderr, &["in task `import`: blocking sleep", &place("partial")]);
}

/// S9, many times; nothing is lost, and nothing is left behind.
#[test]
fn sigquit_reports_and_the_service_goes_on() {
    let mut service = matrix("serve").env("LIFECYCLE_WATCHDOG_TIMEOUT", "30s").start();
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
    let mut service = matrix("broken").start();
    service.line("serves");
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
    let mut service = matrix("report").start();
    service.line("which goes on");
    service.line("`waiter` (tests/src/bin/matrix.rs:");
    service.line("end of the hang report");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(output.stdout.contains("awaiting a Notify in wait_for_fill"), "{}", output.stdout);
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
    assert!(output.stderr.contains("lifecycle_core::runtime::run_async"), "{}", output.stderr);
}

/// W12: a stderr that nobody reads costs the report, never the exit.
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
