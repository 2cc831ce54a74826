//! Hooks marked `on_hang = true`: called before a hang ends the process, and unable to hold that up.

use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Service, ledger};

/// Hangs at once with these instances under management, in this order. Returns how long the end took after the verdict.
fn hang(buffers: &str) -> (Output, Duration) {
    let mut service = Service::new(env!("CARGO_BIN_EXE_exec"))
        .arg("frozen")
        .arg("1000")
        .arg(buffers)
        .env("LIFECYCLE_WATCHDOG_TIMEOUT", "500ms")
        .env("LIFECYCLE_WATCHDOG_STARTUP", "500ms")
        .start();
    service.line("CRITICAL");
    let verdict = Instant::now();
    let output = service.wait();
    (output.expect_code(1), verdict.elapsed())
}

fn flushed(output: &Output) -> String {
    std::fs::read_to_string(output.path("flushed")).unwrap_or_default()
}

#[test]
fn a_hang_loses_no_buffered_state() {
    let (output, _) = hang("orders");
    assert_eq!(flushed(&output), "orders");
    assert!(!output.stdout.contains("closed"), "only the marked hook: {}", output.stdout);
    assert!(!output.stderr.contains("on hang:"), "{}", output.stderr);
    assert_eq!(ledger::crashes(output.folder.path()), 1);
}

#[test]
fn a_hook_that_fails_or_panics_does_not_keep_the_others() {
    let (output, _) = hang("fails,panics,orders");
    assert_eq!(flushed(&output), "orders");
    for says in ["failed: the disk is full", "panicked: a poisoned buffer"] {
        let line = output.stderr.lines().find(|line| line.contains(says)).unwrap_or_default();
        assert!(line.contains("on hang: hook `Buffer::flush` (tests/src/bin/exec.rs:"), "{}", output.stderr);
    }
}

#[test]
fn a_hook_that_blocks_costs_a_second() {
    let (output, took) = hang("orders,blocks,never");
    assert_eq!(flushed(&output), "orders");
    assert!(output.stderr.contains("hook `Buffer::flush` (tests/src/bin/exec.rs:"), "{}", output.stderr);
    assert!(output.stderr.contains("timed out: left behind"), "{}", output.stderr);
    assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_new_image_finds_what_was_flushed() {
    let mut service = Service::new(env!("CARGO_BIN_EXE_exec"))
        .arg("frozen")
        .arg("1")
        .arg("orders")
        .env("LIFECYCLE_WATCHDOG_ON_HANG", "exec")
        .env("LIFECYCLE_WATCHDOG_TIMEOUT", "500ms")
        .env("LIFECYCLE_WATCHDOG_STARTUP", "500ms")
        .start();
    service.line("stays up");
    service.signal(libc::SIGTERM);
    assert_eq!(flushed(&service.wait().expect_code(0)), "orders");
}
