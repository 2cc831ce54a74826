//! Signals, in every state.

use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Service, ledger};

fn hooks() -> Service {
    Service::new(env!("CARGO_BIN_EXE_hooks"))
}

fn stopped_by(signal: libc::c_int) -> Output {
    let mut service = hooks().start();
    service.line("up");
    service.signal(signal);
    service.wait()
}

/// Phases in order, each done before the next starts.
#[test]
fn every_signal_that_stops_runs_the_phases_in_order() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let output = stopped_by(signal).expect_code(0);
        let lines = output.lines();
        let (first, rest) = lines.split_at(5);
        assert_eq!(first, ["up", "stop", "stop done", "persist", "persist done"], "{signal}");
        assert_eq!(rest[..4], ["recorder", "recorder done", "sockets", "sockets done"], "{signal}");
        let mut together = rest[4..8].to_vec();
        together.sort_unstable();
        assert_eq!(together, ["redis a", "redis a done", "redis b", "redis b done"], "{signal}");
        assert_eq!(rest[8..], ["database", "database done", "library pool", "goodbye"], "{signal}");
        assert_eq!(ledger::state(output.folder.path()), "clean", "{}", output.stderr);
        assert_eq!(ledger::crashes(output.folder.path()), 0);
    }
}

/// As `timeout -s INT` sends it: to the process, and to its group.
#[test]
fn an_interrupt_that_is_sent_twice_at_once_is_one() {
    for _ in 0..20 {
        let mut service = hooks().start();
        service.line("up");
        service.signal(libc::SIGINT);
        let _ended = service.signal_if_alive(libc::SIGINT);
        let output = service.wait().expect_code(0);
        assert!(output.stdout.contains("database done"), "{}", output.stdout);
    }
}

#[test]
fn hooks_of_one_order_run_concurrently_and_are_listed_by_name() {
    let output = stopped_by(libc::SIGTERM).expect_code(0);
    let lines = output.lines();
    let at = |text: &str| lines.iter().position(|line| *line == text).expect(text);
    assert!(at("redis a") < at("redis b done") && at("redis b") < at("redis a done"), "{lines:?}");
    let (a, b) = (output.stderr.find("redis (a)"), output.stderr.find("redis (b)"));
    assert!(a.is_some() && a < b, "{}", output.stderr);
}

/// From the first moment, over and over.
#[test]
fn a_signal_in_the_first_moment_ends_with_zero_or_before_main() {
    for delay in 0..20 {
        let service = hooks().start();
        std::thread::sleep(Duration::from_micros(delay * 500));
        service.signal(libc::SIGTERM);
        let output = service.wait();
        // Before the first line of main the signal is the system's own business: 143, and nothing was started.
        assert!(output.code == 0 || output.code == 143, "{output:?}");
        if output.code == 143 {
            assert_eq!(output.stdout, "");
        }
        if output.path(".restart_count").exists() {
            assert_eq!(ledger::crashes(output.folder.path()), 0);
        }
    }
}

/// In the first line of main: the signal is pending before the process begins.
#[test]
fn a_signal_that_is_pending_at_the_start_starts_nothing() {
    use std::os::unix::process::CommandExt;
    let mut service = hooks();
    // SAFETY: only async-signal-safe calls between fork and exec. Blocked signals stay pending across exec.
    unsafe {
        service.command().pre_exec(|| {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGTERM);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            libc::raise(libc::SIGTERM);
            Ok(())
        });
    }
    let output = service.run().expect_code(0);
    assert_eq!(output.stdout, "");
    assert_eq!(ledger::crashes(output.folder.path()), 0);
}

/// A mask that was inherited is lifted: the case above shows it; an ignored SIGHUP is respected.
#[test]
fn nohup_is_respected() {
    use std::os::unix::process::CommandExt;
    let mut service = hooks();
    // SAFETY: signal is async-signal-safe.
    unsafe {
        service.command().pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Ok(())
        });
    }
    let mut service = service.start();
    service.line("up");
    service.signal(libc::SIGHUP);
    std::thread::sleep(Duration::from_millis(200));
    assert!(service.is_alive());
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

#[test]
fn the_back_off_wait_answers_sigterm() {
    let mut service = Service::new(env!("CARGO_BIN_EXE_crash")).env("LIFECYCLE_RESTART_WAIT", "50s").start();
    service.line("waiting 50s");
    let before = ledger::read(service.folder())["crashes"].clone();
    let sent = Instant::now();
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(sent.elapsed() < Duration::from_secs(5), "not the rest of the wait: {:?}", sent.elapsed());
    assert_eq!(ledger::read(output.folder.path())["crashes"], before);
    assert_eq!(before.as_array().map(Vec::len), Some(4));
    assert_eq!(ledger::state(output.folder.path()), "clean");
}

#[test]
fn a_second_sigterm_changes_nothing() {
    let mut service = hooks().arg("slow").start();
    service.line("up");
    service.signal(libc::SIGTERM);
    service.line("slow begins");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.stderr.matches("stopping already").count(), 1, "{}", output.stderr);
    assert!(output.stdout.contains("database done"));
}

#[test]
fn a_second_interrupt_exits_at_once_and_names_the_hook() {
    for first in [libc::SIGINT, libc::SIGTERM] {
        let mut service = hooks().arg("slow").start();
        service.line("up");
        service.signal(first);
        service.line("slow begins");
        // Well after the first: what comes together is one request.
        std::thread::sleep(Duration::from_millis(300));
        service.signal(libc::SIGINT);
        let output = service.wait().expect_code(130);
        assert!(output.stderr.contains("`Sockets::close`"), "{}", output.stderr);
        assert!(!output.stdout.contains("database"));
        assert_eq!(ledger::state(output.folder.path()), "stopping");
    }
}

#[test]
fn sigterm_during_the_shutdown_after_a_failure_keeps_the_code_of_the_failure() {
    let mut service = hooks().arg("fail").arg("slow").start();
    service.line("slow begins");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(1);
    assert_eq!(ledger::crashes(output.folder.path()), 1);
    assert_eq!(output.stdout.matches("up").count(), 1, "not run again");
}

/// Heartbeats and tasks on stderr, and the service goes on.
#[test]
fn sigquit_shows_the_status_and_the_service_goes_on() {
    let mut service = hooks().start();
    service.line("up");
    service.signal(libc::SIGQUIT);
    service.line("tokio runtime");
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

#[test]
fn sigpipe_is_nothing() {
    let mut service = hooks().start();
    service.line("up");
    service.signal(libc::SIGPIPE);
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

#[test]
fn a_ctrl_c_that_comes_as_sigint_and_sigterm_is_one_request() {
    for round in 0..40_u64 {
        let mut service = hooks().start();
        service.line("up");
        let (first, second) =
            if round % 2 == 0 { (libc::SIGTERM, libc::SIGINT) } else { (libc::SIGINT, libc::SIGTERM) };
        service.signal(first);
        std::thread::sleep(Duration::from_micros(round * 100));
        service.signal(second);
        let output = service.wait().expect_code(0);
        assert!(output.stdout.contains("database done"), "{round}: {}", output.stdout);
        assert!(!output.stderr.contains("second Ctrl-C"), "{round}: {}", output.stderr);
    }
}
