//! The bound holds on the day that everything misbehaves.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Service, ledger, pipe};

const FLAVORS: [&str; 3] = ["current-thread", "one-worker", "two-workers"];

/// A second for the exit, and one for the machine's noise.
const GRACE: Duration = Duration::from_secs(2);

struct Stopped {
    output: Output,
    took: Duration,
}

fn stopped(flavor: &str, scenario: &str, budget: Duration) -> Stopped {
    let mut service = Service::new(env!("CARGO_BIN_EXE_worst"))
        .arg(flavor)
        .arg(scenario)
        .env("LIFECYCLE_SHUTDOWN_TIMEOUT", format!("{}ms", budget.as_millis()))
        .env("LIFECYCLE_DRAIN", "1s")
        .start();
    service.line(if scenario == "frozen-before" { "frozen" } else { "up" });
    let sent = Instant::now();
    service.signal(libc::SIGTERM);
    let output = service.wait();
    Stopped { output, took: sent.elapsed() }
}

impl Stopped {
    #[track_caller]
    fn row(&self, hook: &str, says: &str) {
        let stderr = &self.output.stderr;
        let row = stderr.lines().find(|line| line.contains(hook) && line.contains(says));
        assert!(row.is_some(), "no row {hook} {says}:\n{stderr}");
    }
}

/// The culprit is named, the others run, and the process is gone.
#[test]
fn one_hook_that_blocks_spins_or_freezes_everything_stops_nobody_else() {
    let budget = Duration::from_secs(4);
    for flavor in FLAVORS {
        for scenario in ["hangs", "blocks", "blocks-later", "spins", "freezes"] {
            let stopped = stopped(flavor, scenario, budget);
            let shown = format!("{flavor} {scenario}: {:?} {:#?}", stopped.took, stopped.output);
            assert_eq!(stopped.output.code, 1, "{shown}");
            assert!(stopped.took < budget + GRACE, "{shown}");
            stopped.row("Culprit::close", "TIMED OUT");
            for line in ["neighbour", "flush", "write", "latecomer"] {
                assert_eq!(stopped.output.stdout.matches(line).count(), 1, "{line}: {shown}");
            }
            assert_eq!(ledger::state(stopped.output.folder.path()), "incomplete", "{shown}");
        }
    }
}

/// The runtime was frozen before the signal came: every hook runs on the fallback.
#[test]
fn a_runtime_that_is_frozen_already_loses_no_hook() {
    for flavor in FLAVORS {
        let stopped = stopped(flavor, "frozen-before", Duration::from_secs(4));
        let shown = format!("{flavor}: {:?} {:#?}", stopped.took, stopped.output);
        for line in ["culprit", "neighbour", "flush", "write", "latecomer"] {
            assert_eq!(stopped.output.stdout.matches(line).count(), 1, "{line}: {shown}");
        }
        assert!(stopped.output.stderr.contains("the runtime does not get to the hooks"), "{shown}");
        assert!(stopped.took < Duration::from_secs(4) + GRACE, "{shown}");
    }
}

/// Timeouts 0.6 + 0.6 + 1.2 s and a quick step of 5 s in 3.7 s: what the quick one need not keep flows to those that hang.
#[test]
fn hung_steps_share_the_budget_by_the_rule() {
    let budget = Duration::from_millis(3700);
    let stopped = stopped("two-workers", "all-hang", budget);
    let shown = format!("{:?} {:#?}", stopped.took, stopped.output);
    assert_eq!(stopped.output.code, 1, "{shown}");
    assert!(stopped.took < budget + GRACE, "{shown}");
    for hook in ["Culprit::close", "Flush::flush", "Flush::write"] {
        stopped.row(hook, "TIMED OUT");
    }
    for (hook, share) in [("Culprit::close", 600), ("Flush::flush", 600), ("Flush::write", 1200)] {
        let is_row = |line: &&str| line.contains(hook) && line.contains("TIMED OUT");
        let row = stopped.output.stderr.lines().find(is_row).expect(hook);
        let took = row.split_whitespace().nth(5).expect("the time it ran");
        let took = humantime_ms(took);
        assert!(
            took > f64::from(share) - 50.0 && took < f64::from(share) + 50.0,
            "{hook} {took} ms of {share}"
        );
    }
    assert!(stopped.output.stdout.contains("latecomer"), "{shown}");
}

/// Main listens, and then blocks its thread in its drain time.
#[test]
fn a_main_that_blocks_in_its_drain_is_named_and_the_hooks_run() {
    for flavor in FLAVORS {
        let stopped = stopped(flavor, "drain-blocks", Duration::from_secs(4));
        let shown = format!("{flavor}: {:?} {:#?}", stopped.took, stopped.output);
        assert_eq!(stopped.output.code, 1, "{shown}");
        assert!(stopped.took < Duration::from_secs(4) + GRACE, "{shown}");
        assert!(stopped.output.stderr.contains("task `main` STUCK"), "{shown}");
        for line in ["culprit", "neighbour", "flush", "write", "latecomer"] {
            assert!(stopped.output.stdout.contains(line), "{line}: {shown}");
        }
    }
}

/// A destructor that blocks is part of the hook that dropped the last reference.
#[test]
fn a_drop_that_blocks_is_late_and_stops_nobody_else() {
    let stopped = stopped("two-workers", "drop-blocks", Duration::from_secs(4));
    let shown = format!("{:?} {:#?}", stopped.took, stopped.output);
    assert_eq!(stopped.output.code, 1, "{shown}");
    assert!(stopped.output.stderr.contains("TIMED OUT"), "{shown}");
    for line in ["neighbour", "flush", "write", "latecomer"] {
        assert!(stopped.output.stdout.contains(line), "{line}: {shown}");
    }
}

/// A component that is managed while a shutdown is under way is closed by it.
#[test]
fn a_component_that_comes_late_is_closed_in_its_place_or_at_once() {
    let stopped = stopped("two-workers", "late", Duration::from_secs(25));
    let output = stopped.output.expect_code(0);
    let lines = output.lines();
    assert_eq!(lines[lines.len() - 3..], ["latecomer", "late at once", "late in place"]);
}

/// The report cannot be written either: the subscriber's lock is held, or stderr is a full pipe that nobody reads.
#[test]
fn a_logger_that_blocks_does_not_hold_up_a_shutdown() {
    for scenario in ["subscriber-stuck", "subscriber-stuck-hook-late"] {
        let mut service = Service::new(env!("CARGO_BIN_EXE_mute")).arg(scenario);
        service = service.env("LIFECYCLE_SHUTDOWN_TIMEOUT", "3s");
        let mut service = service.start();
        service.line("stuck");
        let sent = Instant::now();
        service.signal(libc::SIGTERM);
        let output = service.wait();
        assert!(sent.elapsed() < Duration::from_secs(3) + GRACE, "{scenario}: {:?}", sent.elapsed());
        assert_eq!(output.code, i32::from(scenario.ends_with("late")), "{output:#?}");
        assert!(
            output.stderr.contains("Component::close"),
            "the report goes straight to stderr: {output:#?}"
        );
    }
}

/// As above: stderr is a full pipe that nobody reads, and no subscriber is set.
#[test]
fn a_stderr_that_nobody_reads_does_not_hold_up_a_shutdown() {
    let (_reader, writer) = pipe::full();
    let budget = Duration::from_secs(3);
    let mut service = Service::new(env!("CARGO_BIN_EXE_hooks")).env("LIFECYCLE_SHUTDOWN_TIMEOUT", "3s");
    service.command().stderr(std::process::Stdio::from(writer));
    let mut service = service.start();
    service.line("up");
    let sent = Instant::now();
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(sent.elapsed() < budget + GRACE, "{:?}", sent.elapsed());
    assert!(output.stdout.contains("goodbye"), "{output:#?}");
}

/// A signal races with a failure of main; each hook is called once, by whichever cause wins.
#[test]
fn a_thousand_races_of_a_signal_with_a_failure_call_each_hook_once() {
    let (signalled, failed) = (AtomicU32::new(0), AtomicU32::new(0));
    let left = AtomicU32::new(1000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while left.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1)).is_ok() {
                    let output = race(u64::from(left.load(Relaxed)) % 40 * 50);
                    assert_eq!(output.stdout.matches("hook").count(), 2, "{output:#?}");
                    let counter = if output.stderr.contains("cause: SIGTERM") { &signalled } else { &failed };
                    assert!(output.code == 0 || output.code == 1, "{output:#?}");
                    counter.fetch_add(1, Relaxed);
                }
            });
        }
    });
    let (signalled, failed) = (signalled.into_inner(), failed.into_inner());
    assert!(signalled > 0 && failed > 0, "no race: {signalled} signals and {failed} failures were first");
}

/// Main fails about a millisecond after it is up; the signal comes `micros` after it.
fn race(micros: u64) -> Output {
    let mut service = Service::new(env!("CARGO_BIN_EXE_race"))
        .env("LIFECYCLE_RESTART", "off")
        .env("LIFECYCLE_WATCHDOG", "off")
        .start();
    service.line("up");
    std::thread::sleep(Duration::from_micros(micros));
    service.signal_if_alive(libc::SIGTERM);
    service.wait()
}

/// Of `600.1ms` or `1.2s`.
fn humantime_ms(text: &str) -> f64 {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.trim_end_matches('s'), 1000.0),
    };
    number.parse::<f64>().unwrap_or_else(|_| panic!("{text}")) * unit
}
