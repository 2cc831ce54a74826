//! The story of each death: what the next start, `status()` and the ledger say of it.

use std::sync::Arc;
use std::time::Duration;

use lifecycle_tests::{Output, Running, Service, ledger};

fn stop(mut service: Running) -> Output {
    service.line("stays up");
    service.signal(libc::SIGTERM);
    service.wait().expect_code(0)
}

/// When a process died is known if it said so, however late the next one starts.
#[test]
fn a_death_that_was_noted_is_dated_by_the_dying() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let service = || Service::inside(env!("CARGO_BIN_EXE_deaths"), folder.clone()).arg("abort");
    let _ = service().run().expect_code(134);
    std::thread::sleep(Duration::from_secs(3));
    let _ = stop(service().start());
    let up = ledger::read(folder.path())["crashes"][0]["uptime_ms"].as_u64().expect("a number");
    assert!(up < 2500, "it did not live for the three seconds in which it was dead: {up}");
}

fn dies(how: &str) -> (Output, Output) {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let service = || Service::inside(env!("CARGO_BIN_EXE_deaths"), folder.clone()).arg(how);
    let first = service().run();
    let second = stop(service().start());
    (first, second)
}

/// The next start says how the process died, and so do `status()` and the ledger.
#[test]
fn a_fatal_signal_is_told_at_the_next_start() {
    for (how, code, cause) in [
        ("abort", 134, "aborted (SIGABRT)"),
        ("segv", 139, "invalid memory access or stack overflow (SIGSEGV)"),
        ("overflow", 134, "invalid memory access or stack overflow (SIGSEGV)"),
        ("task abort", 134, "aborted (SIGABRT)"),
        ("exit", 3, "the program called exit"),
    ] {
        let (first, second) = dies(how);
        assert_eq!(first.code, code, "{how}: {}", first.stderr);
        let crash = &ledger::read(second.folder.path())["crashes"][0];
        assert!(crash["cause"].as_str().is_some_and(|text| text.contains(cause)), "{how}: {crash}");
        let previous = format!("previous run (pid {})", crash["pid"]);
        for text in [&second.stderr, &second.stdout] {
            let line = text.lines().find(|line| line.contains(&previous)).expect("the previous run");
            assert!(line.contains(cause), "{line}");
        }
        assert!(second.stderr.contains(": crash 1 of 3 in 5m; starting now"), "{how}: {}", second.stderr);
        assert!(!second.path(".restart_count.died").exists(), "{how}: its last words stand in the ledger");
    }
    // std's own message is still there: its handler was called.
    assert!(dies("overflow").0.stderr.contains("has overflowed its stack"));
}

/// A process that was killed, one that was stopped, one that was killed while it stopped.
#[test]
fn the_next_start_says_how_the_previous_run_ended() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let start = || {
        let mut service = Service::inside(env!("CARGO_BIN_EXE_hooks"), folder.clone()).arg("slow").start();
        // Not the line that says how long the previous run was up.
        while service.line("up") != "up" {}
        service
    };
    let first = start();
    let pid = first.pid();
    first.signal(libc::SIGKILL);
    let _ = first.wait().expect_code(137);
    let mut second = start();
    second.signal(libc::SIGTERM);
    second.line("slow begins");
    second.signal(libc::SIGKILL);
    let killed = second.wait().expect_code(137);
    let told = format!("previous run (pid {pid}) was killed ");
    let line = killed.stderr.lines().find(|line| line.contains(&told)).expect("the line");
    assert!(line.ends_with(": crash 1 of 3 in 5m; starting now"), "{line}");
    // That the third was told of the second is information, not a warning: it is in its status.
    let mut third = start();
    third.signal(libc::SIGQUIT);
    third.line("was killed in its shutdown");
    third.signal(libc::SIGTERM);
    let _ = third.wait();
}

/// A panic is recorded with its message and place, on whatever thread; the hook that was there before is called.
#[test]
fn a_panic_is_recorded_with_its_place() {
    for how in ["panic", "task panic"] {
        for own in [false, true] {
            let mut service = Service::new(env!("CARGO_BIN_EXE_deaths")).arg(how);
            if own {
                service = service.env("OWN_HOOK", "1");
            }
            let output = stop(service.start());
            let crash = ledger::read(output.folder.path())["crashes"][0]["cause"].to_string();
            let hook = if own { "own hook: panicked at" } else { "thread 'main'" };
            assert!(
                output.stderr.contains(if how == "panic" { hook } else { "panicked at" }),
                "{}",
                output.stderr
            );
            assert!(output.stdout.contains("previous run (pid "), "{}", output.stdout);
            if how == "panic" {
                assert!(
                    crash.contains("main panicked: the book is empty (") && crash.contains("deaths.rs:27)"),
                    "{crash}"
                );
            } else {
                // The panic that ended main is the one of its `expect`.
                assert!(crash.contains("it died") && crash.contains("deaths.rs:47)"), "{crash}");
            }
        }
    }
}
