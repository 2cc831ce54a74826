//! Failures with a meaning: `permanent` and `retry_after`, in whatever they are wrapped, across processes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lifecycle_tests::{Running, Service, ledger};
use tempfile::TempDir;

/// All that must reach the end of the run: by main, by a task, by what is merely alive, and by a hook of the shutdown.
const WAYS: [&str; 9] = ["bare", "context", "boxed", "enum", "nested", "task", "task-panics", "kept", "hook"];

fn service(how: &str, meaning: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_failures")).args([how, meaning])
}

fn again(folder: &Arc<TempDir>, how: &str, meaning: &str) -> Service {
    Service::inside(env!("CARGO_BIN_EXE_failures"), folder.clone()).args([how, meaning])
}

fn stop(service: Running) {
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

#[test]
fn a_permanent_failure_runs_the_hooks_and_exits_with_78() {
    for how in WAYS {
        let output = service(how, "permanent").run().expect_code(78);
        assert_eq!(output.lines(), ["run 1", "closed"], "{how}");
        assert!(output.stderr.contains("permanent: exit code 78"), "{how}: {}", output.stderr);
        assert_eq!(ledger::crashes(output.folder.path()), 1, "{how}");
    }
}

#[test]
fn a_permanent_failure_of_init_is_one_too() {
    let output = service("init", "permanent").run().expect_code(78);
    assert!(output.lines().is_empty(), "{}", output.stdout);
    let mut next = again(&output.folder, "init", "permanent").start();
    next.line("that was permanent");
    stop(next);
}

#[test]
fn permanent_is_78_without_restarts_too() {
    let output = service("bare", "permanent").env("LIFECYCLE_RESTART", "off").run().expect_code(78);
    assert!(output.stderr.contains("Error: bad token"), "{}", output.stderr);
}

#[test]
fn retry_after_waits_so_long_at_least() {
    for how in WAYS {
        let started = Instant::now();
        let mut service = service(how, "700").start();
        service.line("stays up");
        assert!(started.elapsed() >= Duration::from_millis(700), "{how}: {:?}", started.elapsed());
        service.signal(libc::SIGTERM);
        // A hook that failed is not forgotten.
        let output = service.wait().expect_code(i32::from(how == "hook"));
        let wait = "its failure asked for no retry within 700ms: waiting 700ms";
        assert!(output.stderr.contains(wait), "{how}: {}", output.stderr);
    }
}

#[test]
fn what_was_handled_means_nothing() {
    for meaning in ["permanent", "60000"] {
        let mut service = service("handled", meaning).start();
        service.line("stays up");
        service.signal(libc::SIGTERM);
        let output = service.wait().expect_code(0);
        assert!(output.stderr.contains("crash 1 of 3 in 5m; starting now"), "{}", output.stderr);
    }
}

#[test]
fn the_longer_of_both_waits_counts() {
    for (asked, waits) in [("100", "waiting 400ms"), ("900", "waiting 900ms")] {
        let mut service = service("bare", asked)
            .env("LIFECYCLE_RESTART_MAX_CRASHES", "0")
            .env("LIFECYCLE_RESTART_WAIT", "400ms")
            .start();
        let wait = service.line("waiting");
        assert!(wait.contains(waits), "{wait}");
        service.line("stays up");
        stop(service);
    }
}

#[test]
fn no_failure_waits_longer_than_the_option_allows() {
    let mut service = service("bare", "86400000").env("LIFECYCLE_RESTART_MAX_RETRY_AFTER", "300ms").start();
    let wait = service.line("waiting");
    assert!(wait.contains("no retry within 1day (at most 300ms are waited): waiting 300ms"), "{wait}");
    service.line("stays up");
    stop(service);
}

#[test]
fn a_signal_ends_the_wait() {
    let mut service = service("bare", "3600000").start();
    service.line("waiting 1h");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.stdout.matches("run ").count(), 1);
}

/// What is left of the wait is waited by the next process, and by the next image of the same one.
#[test]
fn the_wait_outlives_the_process() {
    let mut service = service("bare", "5000").start();
    service.line("waiting 5s");
    let failed = Instant::now();
    service.signal(libc::SIGKILL);
    let folder = service.wait().expect_code(137).folder;
    std::thread::sleep(Duration::from_millis(1500));
    let mut next = again(&folder, "bare", "5000").start();
    let wait = next.line("waiting");
    assert!(wait.contains("slow down (retry after 5s)") && !wait.contains("waiting 5s"), "{wait}");
    next.line("run 1");
    assert!(failed.elapsed() >= Duration::from_millis(4900), "{:?}", failed.elapsed());
    next.signal(libc::SIGKILL);
    let _ = next.wait();
}

#[test]
fn the_wait_outlives_the_image() {
    let started = Instant::now();
    let mut service = service("bare", "600").env("LIFECYCLE_RESTART_MODE", "exec").start();
    service.line("run 1");
    service.line("run 1");
    assert!(started.elapsed() >= Duration::from_millis(600), "{:?}", started.elapsed());
    service.signal(libc::SIGKILL);
    let output = service.wait();
    assert!(output.stderr.contains("its failure asked for no retry within 600ms: waiting 600ms"));
}

/// A start that is the same but for what differs at each says why it waits; another one starts at once.
#[test]
fn after_a_permanent_failure_only_the_same_start_waits() {
    let start = |folder: &Arc<TempDir>, key: &str, how: &str| {
        let invocation = Instant::now().elapsed().as_nanos().to_string();
        again(folder, how, "permanent")
            .env("KEY", key)
            .env("INVOCATION_ID", invocation)
            .env("LIFECYCLE_RESTART_MAX_CRASHES", "50")
    };
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let _ = start(&folder, "hunter2", "bare").run().expect_code(78);
    let mut same = start(&folder, "hunter2", "bare").env("SHLVL", "7").start();
    let wait = same.line("waiting 300s");
    for text in
        ["bad token", "(permanent): that was permanent, and build, arguments and environment are the same"]
    {
        assert!(wait.contains(text), "{wait}");
    }
    same.signal(libc::SIGTERM);
    assert!(same.wait().expect_code(0).stdout.is_empty());
    for (key, how) in [("hunter3", "bare"), ("hunter2", "handled")] {
        let _ = start(&folder, "hunter2", "bare").env("LIFECYCLE_RESTART_MAX_WAIT", "1ms").run();
        let mut other = start(&folder, key, how).start();
        other.line("run 1");
        other.signal(libc::SIGKILL);
        assert!(!other.wait().stderr.contains("waiting"));
    }
    let text = std::fs::read_to_string(folder.path().join(".restart_count")).expect("a ledger");
    assert!(!text.contains("hunter"), "{text}");
}

/// The wait is over at last: it tries again, and fails again.
#[test]
fn the_same_start_tries_again_after_the_longest_wait() {
    let start =
        |folder: &Arc<TempDir>| again(folder, "bare", "permanent").env("LIFECYCLE_RESTART_MAX_WAIT", "700ms");
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let _ = start(&folder).run().expect_code(78);
    let second = start(&folder).run().expect_code(78);
    assert!(second.took >= Duration::from_millis(700), "{:?}", second.took);
    assert!(second.stderr.contains("waiting 700ms") && second.stdout.contains("run 1"), "{}", second.stderr);
    assert_eq!(ledger::crashes(folder.path()), 2);
}
