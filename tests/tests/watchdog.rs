//! The dead man's switch. The limit is 2 s, a thirtieth of the default.

use std::time::{Duration, Instant};

use lifecycle_tests::hang::{self, verdict};
use lifecycle_tests::{Output, Running, Service, ledger, pipe};

fn beats(scenario: &str) -> Running {
    let mut service = Service::new(env!("CARGO_BIN_EXE_beats"))
        .arg(scenario)
        .env("LIFECYCLE_WATCHDOG_TIMEOUT", "2s")
        .env("LIFECYCLE_WATCHDOG_STARTUP", "3s")
        .start();
    service.line("up");
    service
}

fn lives(service: Running, time: Duration) -> Output {
    hang::lives(service, time).expect_code(0)
}

#[test]
fn a_service_that_beats_lives() {
    let output = lives(beats("beats"), Duration::from_secs(5));
    assert!(!output.stderr.contains("half"), "{}", output.stderr);
}

/// With a heartbeat of one second: it lives for a while after its last beat, and is dead after the limit.
#[test]
fn the_limit_counts_from_the_last_beat() {
    let mut service = beats("manual");
    service.line("last beat");
    let last = Instant::now();
    let output = service.wait().expect_code(1);
    assert!(last.elapsed() >= Duration::from_millis(700), "{:?}", last.elapsed());
    assert!(last.elapsed() < Duration::from_secs(10), "{:?}", last.elapsed());
    assert!(verdict(&output).contains("`manual` (tests/src/bin/beats.rs:"), "{}", verdict(&output));
    assert!(verdict(&output).contains("5 beats"), "{}", verdict(&output));
}

/// For a core dump; the ledger has the hang, and not the signal.
#[test]
fn a_hang_may_end_by_an_abort() {
    let mut service = Service::new(env!("CARGO_BIN_EXE_beats"))
        .arg("silent")
        .env("LIFECYCLE_WATCHDOG_STARTUP", "1s")
        .env("LIFECYCLE_WATCHDOG_ON_HANG", "abort")
        .start();
    service.line("up");
    let output = service.wait().expect_code(128 + libc::SIGABRT);
    assert!(verdict(&output).contains("`scheduler`"), "{}", verdict(&output));
    let ledger = ledger::read(output.folder.path()).to_string();
    assert!(ledger.contains("hang: ") && !ledger.contains("SIGABRT"), "{ledger}");
}

/// A hang is a crash of the ledger.
#[test]
fn a_heartbeat_that_never_beats_is_found_at_the_startup_limit() {
    let started = Instant::now();
    let output = beats("silent").wait().expect_code(1);
    assert!(started.elapsed() >= Duration::from_millis(2600), "{:?}", started.elapsed());
    assert!(verdict(&output).contains("`scheduler`"), "{}", verdict(&output));
    assert!(verdict(&output).contains("not beaten once"), "{}", verdict(&output));
    assert_eq!(ledger::crashes(output.folder.path()), 1);
    let crash = &ledger::read(output.folder.path())["crashes"][0];
    assert!(
        crash["cause"].as_str().is_some_and(|cause| cause.contains("hang: heartbeat `scheduler`")),
        "{crash}"
    );
}

/// The await, by file and line.
#[test]
fn an_await_that_never_resolves_is_named() {
    let source = include_str!("../src/bin/beats.rs");
    let line = 1 + source.lines().position(|line| line.contains("// here it hangs")).expect("marked");
    let output = beats("stuck").wait().expect_code(1);
    let place = format!("last at the await at tests/src/bin/beats.rs:{line}");
    assert!(verdict(&output).contains(&place), "{}", verdict(&output));
    assert!(verdict(&output).contains("beats::stuck"), "{}", verdict(&output));
}

/// The verdict never points at an await that is over.
#[test]
fn what_blocks_behind_an_await_is_not_said_to_be_at_it() {
    let output = beats("blocks-behind-its-await").wait().expect_code(1);
    assert!(verdict(&output).contains("blocks_behind_its_await"), "{}", verdict(&output));
    assert!(verdict(&output).contains("inside the call"), "{}", verdict(&output));
    assert!(!verdict(&output).contains("await at"), "{}", verdict(&output));
}

/// A call that lasts as long as the service, `async` or not.
#[test]
fn a_loop_beats_with_each_round() {
    let output = lives(beats("rounds"), Duration::from_secs(5));
    assert!(!output.stderr.contains("half"), "{}", output.stderr);
    let output = beats("a-round-hangs").wait().expect_code(1);
    assert!(verdict(&output).contains("beats::rounds"), "{}", verdict(&output));
}

/// With `arm = "call"`; the one that hangs does so while another call comes and goes.
#[test]
fn a_handler_is_judged_only_while_it_is_called() {
    let output = lives(beats("handles"), Duration::from_secs(4));
    assert!(!output.stderr.contains("half"), "{}", output.stderr);
    let output = beats("a-handler-hangs").wait().expect_code(1);
    assert!(verdict(&output).contains("beats::handle"), "{}", verdict(&output));
    assert!(verdict(&output).contains("inside the call"), "{}", verdict(&output));
}

#[test]
fn a_retired_heartbeat_is_judged_from_its_next_beat() {
    let output = lives(beats("retired"), Duration::from_secs(4));
    assert!(!output.stderr.contains("half"), "{}", output.stderr);
    let output = beats("retired-and-back").wait().expect_code(1);
    assert!(verdict(&output).contains("`manual`"), "{}", verdict(&output));
}

#[test]
fn one_blocked_worker_of_several_is_no_hang() {
    let mut service = beats("worker-blocked");
    std::thread::sleep(Duration::from_secs(5));
    assert!(service.is_alive());
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(!output.stderr.contains("CRITICAL"), "{}", output.stderr);
}

/// tokio leaves I/O and timers to nobody then (tokio-rs/tokio#4730).
#[test]
fn a_blocked_worker_that_waited_for_the_timers_does_not_freeze_the_others() {
    let output = lives(beats("timer-blocks"), Duration::from_secs(5));
    assert!(!output.stderr.contains("half"), "{}", output.stderr);
}

#[test]
fn a_slow_tick_is_warned_about_at_half_and_not_killed() {
    let output = lives(beats("slow"), Duration::from_secs(5));
    assert!(output.stderr.contains("heartbeat `scheduler`: no beat for"), "{}", output.stderr);
}

#[test]
fn nothing_is_judged_under_a_pause_and_everything_after_it() {
    let mut service = beats("paused");
    service.line("armed again");
    let output = service.wait().expect_code(1);
    assert!(verdict(&output).contains("`scheduler`"), "{}", verdict(&output));
}

/// Stopped in the middle of its work, so that no beat comes to its help as soon as it goes on.
#[test]
fn a_stopped_process_is_not_a_hung_one() {
    let service = beats("slices");
    std::thread::sleep(Duration::from_millis(500));
    service.signal(libc::SIGSTOP);
    std::thread::sleep(Duration::from_secs(6));
    service.signal(libc::SIGCONT);
    let _ = lives(service, Duration::from_secs(2));
}

#[test]
fn a_frozen_runtime_is_found_without_any_heartbeat() {
    let service = || Service::new(env!("CARGO_BIN_EXE_nothing")).env("LIFECYCLE_WATCHDOG_STARTUP", "2s");
    let output = service().arg("freeze").run().expect_code(1);
    assert!(verdict(&output).contains("tokio runtime"), "{}", verdict(&output));
}

/// Stderr closed, and a pipe that is full and never read.
#[test]
fn the_verdict_needs_nobody_who_reads_it() {
    use std::process::Stdio;
    let service =
        || Service::new(env!("CARGO_BIN_EXE_nothing")).arg("freeze").env("LIFECYCLE_WATCHDOG_STARTUP", "1s");
    let mut closed = service();
    // SAFETY: close is async-signal-safe.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(closed.command(), || {
            libc::close(2);
            Ok(())
        });
    }
    let _ = closed.run().expect_code(1);

    let (_reader, writer) = pipe::full();
    let mut full = service();
    full.command().stderr(Stdio::from(writer));
    let output = full.run().expect_code(1);
    assert!(output.took < Duration::from_secs(20), "{:?}", output.took);
}

/// The lock of the tracing subscriber is held for good, and the lock of stdout.
#[test]
fn no_lock_that_the_hung_thread_holds_keeps_the_verdict() {
    for scenario in ["subscriber-held", "stdout-held", "stderr-held"] {
        let mut service = Service::new(env!("CARGO_BIN_EXE_mute")).arg(scenario);
        service = service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "1s").env("LIFECYCLE_WATCHDOG_STARTUP", "1s");
        let output = service.run().expect_code(1);
        assert!(verdict(&output).contains("the tokio runtime"), "{scenario}: {}", verdict(&output));
        assert!(output.took < Duration::from_secs(15), "{scenario}: {:?}", output.took);
        assert_eq!(ledger::crashes(output.folder.path()), 1, "{scenario}");
    }
}

/// The start-up: an `init` that does not return.
#[test]
fn an_init_that_hangs_is_found_and_a_signal_ends_it() {
    let init = |scenario: &str| Service::new(env!("CARGO_BIN_EXE_init")).env("INIT", scenario);
    let output = init("hangs").env("LIFECYCLE_WATCHDOG_STARTUP", "1s").run().expect_code(1);
    assert!(verdict(&output).contains("`init` function has not returned"), "{}", verdict(&output));
    assert_eq!(ledger::crashes(output.folder.path()), 1);

    let mut service = init("hangs").start();
    service.line("init begins");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.lines(), ["init begins"]);
    assert_eq!(ledger::crashes(output.folder.path()), 0);

    for (scenario, says) in [("fails", "no crypto provider"), ("panics", "init gives up")] {
        let output = init(scenario).run().expect_code(1);
        assert_eq!(output.lines(), ["init begins"]);
        assert!(output.stderr.contains(says), "{}", output.stderr);
        assert_eq!(ledger::crashes(output.folder.path()), 1);
    }
}

/// A blocking tick on one of several threads: its own limit, and inside the call.
#[test]
fn a_tick_that_blocks_is_found_by_its_own_limit() {
    let output = beats("tick-blocks").wait().expect_code(1);
    assert!(verdict(&output).contains("blocking_tick"), "{}", verdict(&output));
    assert!(verdict(&output).contains("inside the call"), "{}", verdict(&output));
}

/// `LIFECYCLE_WATCHDOG=off` judges nothing.
#[test]
fn the_watchdog_can_be_switched_off() {
    let mut service = Service::new(env!("CARGO_BIN_EXE_nothing"))
        .arg("freeze")
        .env("LIFECYCLE_WATCHDOG", "off")
        .env("LIFECYCLE_WATCHDOG_STARTUP", "300ms")
        .env("LIFECYCLE_SHUTDOWN_TIMEOUT", "1s")
        .start();
    service.line("up");
    std::thread::sleep(Duration::from_secs(1));
    assert!(service.is_alive());
    service.signal(libc::SIGTERM);
    let output = service.wait();
    assert!(!output.stderr.contains("CRITICAL"), "{}", output.stderr);
}

/// The beat that makes a heartbeat known counts as its first, and from then on its own limit holds.
#[test]
fn a_single_beat_is_not_forgotten() {
    for (scenario, name) in [("once", "`manual`"), ("first", "`scheduler`")] {
        let service = Service::new(env!("CARGO_BIN_EXE_beats")).arg(scenario);
        let output = service
            .env("LIFECYCLE_WATCHDOG_TIMEOUT", "1s")
            .env("LIFECYCLE_WATCHDOG_STARTUP", "50s")
            .run()
            .expect_code(1);
        let verdict = output.stderr.lines().find(|line| line.contains("CRITICAL")).expect("a verdict");
        assert!(verdict.contains(name) && !verdict.contains("not beaten once"), "{scenario}: {verdict}");
        assert!(output.took < Duration::from_secs(20), "{scenario}: {:?}", output.took);
    }
}
