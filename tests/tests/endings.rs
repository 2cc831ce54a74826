//! How runs end, what the exit code says of it, and how the next start tells it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Running, Service, ledger};
use tempfile::TempDir;

fn endings(scenario: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_endings")).arg(scenario)
}

/// Another start in the same folder, which stays up and is stopped.
fn next(folder: &Arc<TempDir>) -> Output {
    terminated(Service::inside(env!("CARGO_BIN_EXE_endings"), folder.clone()))
}

fn terminated(service: Service) -> Output {
    let mut service = service.start();
    service.line("up");
    stop(service)
}

fn stop(service: Running) -> Output {
    service.signal(libc::SIGTERM);
    service.wait()
}

#[test]
fn a_failed_hook_after_a_stop_is_told_as_such_and_not_as_a_kill() {
    let failed = terminated(endings("failing-flush")).expect_code(1);
    let next = next(&failed.folder).expect_code(0);
    assert!(next.stderr.is_empty() || !next.stderr.contains("killed"), "{}", next.stderr);
    assert_eq!(ledger::crashes(next.folder.path()), 0);
}

#[test]
fn a_kill_in_the_shutdown_of_a_crash_keeps_its_cause() {
    let mut service = endings("slow-crash").start();
    service.line("stopping slowly");
    std::thread::sleep(Duration::from_millis(200));
    service.signal(libc::SIGKILL);
    let killed = service.wait();
    let crashes = ledger::read(killed.folder.path())["crashes"].clone();
    assert_eq!(crashes[0]["cause"], "main failed: \"no route\"", "{crashes}");
    let next = next(&killed.folder).expect_code(0);
    assert!(next.stderr.contains("crashed") && next.stderr.contains("no route"), "{}", next.stderr);
    assert_eq!(ledger::crashes(next.folder.path()), 1);
}

#[test]
fn exit_code_0_is_no_lie_about_an_earlier_run_of_the_process() {
    let output = terminated(endings("loses-once")).expect_code(1);
    assert!(
        output.stderr.contains("in the shutdown of an earlier run hook `Store::flush` failed"),
        "{}",
        output.stderr
    );
}

#[test]
fn leaving_on_purpose_is_no_crash() {
    for (scenario, code, crashes) in [("help", 0, 0), ("usage", 2, 0), ("late-usage", 2, 1), ("exit", 1, 1)] {
        let output = endings(scenario).run().expect_code(code);
        let next = next(&output.folder).expect_code(0);
        assert_eq!(ledger::crashes(next.folder.path()), crashes, "{scenario}: {}", next.stderr);
    }
}

#[test]
fn five_helps_in_a_row_do_not_wait() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    for _ in 0..6 {
        let help = Service::inside(env!("CARGO_BIN_EXE_endings"), folder.clone()).arg("help");
        assert!(help.run().expect_code(0).took < Duration::from_secs(20));
    }
}

#[test]
fn the_exit_of_a_forked_child_is_not_that_of_its_parent() {
    let mut service = endings("fork").start();
    service.line("up");
    service.signal(libc::SIGKILL);
    let killed = service.wait();
    let next = next(&killed.folder).expect_code(0);
    assert!(next.stderr.contains("probably killed by somebody"), "{}", next.stderr);
}

#[test]
fn a_start_in_a_wait_says_why_and_how_long_and_how_to_skip_it() {
    let mut service = endings("crash").env("LIFECYCLE_RESTART_WAIT", "40s").start();
    service.line("waiting 40s");
    let output = stop(service).expect_code(0);
    let again = Service::inside(env!("CARGO_BIN_EXE_endings"), output.folder.clone());
    let mut again = again.env("LIFECYCLE_RESTART_WAIT", "40s").start();
    let line = again.line("waiting");
    for part in ["stopped cleanly", "crash 4 within 5m", "next try at", "to skip the wait, delete"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let _ = stop(again).expect_code(0);
}

#[test]
fn two_programs_in_one_folder_do_not_share_a_budget() {
    let mut service = endings("crash").env("LIFECYCLE_RESTART_WAIT", "40s").start();
    service.line("waiting 40s");
    let output = stop(service).expect_code(0);
    let other = Service::inside(env!("CARGO_BIN_EXE_init"), output.folder.clone()).run().expect_code(0);
    assert!(!other.stderr.contains("waiting"), "{}", other.stderr);
}

#[test]
fn a_failing_init_backs_off_like_a_crash() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let init = |outcome| Service::inside(env!("CARGO_BIN_EXE_init"), folder.clone()).env("INIT", outcome);
    for _ in 0..4 {
        let _ = init("fails").run().expect_code(1);
    }
    let mut fifth = init("fails").env("LIFECYCLE_RESTART_WAIT", "40s").start();
    let line = fifth.line("waiting");
    assert!(line.contains("no crypto provider"), "{line}");
    let output = stop(fifth).expect_code(0);
    assert_eq!(output.stdout, "", "init must not run before the wait is over");
}

#[test]
fn what_hooks_and_the_drain_spawn_is_dropped_before_the_next_step() {
    let output = terminated(endings("spawns")).expect_code(0);
    let lines = output.lines();
    assert_eq!(lines[1..], ["of the stop hook ended", "flush", "of the flush ended", "close"], "{lines:?}");
    let output = terminated(endings("drain-spawns")).expect_code(0);
    assert_eq!(output.lines()[1..], ["of the drain ended", "flush", "close"]);
}

#[test]
fn an_instance_that_is_managed_again_by_its_hook_is_closed_once() {
    let output = terminated(endings("again")).expect_code(0);
    assert_eq!(output.lines()[1..], ["flush", "close"], "{}", output.stdout);
}

#[test]
fn instances_without_end_cannot_take_persist_its_time() {
    // The last step keeps half of its share, more than a second: enough on a machine with other work.
    let budget = Duration::from_secs(8);
    let mut service = endings("endless").env("LIFECYCLE_SHUTDOWN_TIMEOUT", "8s").start();
    service.line("up");
    let sent = Instant::now();
    let output = stop(service);
    assert!(
        output.stdout.contains("flush") && output.stdout.contains("close"),
        "{}\n{}",
        output.stdout,
        output.stderr
    );
    assert!(sent.elapsed() < budget + Duration::from_secs(3), "{:?}", sent.elapsed());
}

#[test]
fn a_long_error_on_a_stderr_that_is_read_slowly_delays_no_hook() {
    use std::io::Read;
    use std::process::Stdio;
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut service = endings("long-error").env("LIFECYCLE_RESTART", "off");
    service.command().stderr(Stdio::from(writer));
    let slow = std::thread::spawn(move || {
        let mut chunk = [0; 1000];
        while reader.read(&mut chunk).is_ok_and(|read| read > 0) {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let output = service.run().expect_code(1);
    assert!(output.took < Duration::from_secs(15), "{:?}", output.took);
    drop(slow);
}

#[test]
fn control_characters_of_an_error_do_not_reach_the_terminal() {
    let output = endings("control").env("LIFECYCLE_RESTART", "off").run().expect_code(1);
    assert!(!output.stderr.contains('\u{1b}') && output.stderr.contains("\\u{1b}[2J"), "{:?}", output.stderr);
}

#[test]
fn a_panic_whose_payload_panics_when_it_is_dropped_is_a_failure_like_any_other() {
    let output = endings("payload").env("LIFECYCLE_RESTART", "off").run().expect_code(1);
    assert!(output.stdout.contains("flush\nclose"), "{}", output.stdout);
}
