//! Why the process ended, for Kubernetes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use lifecycle_tests::{Output, Service};

fn service(scenario: &str, log: &Path) -> Service {
    let service = Service::new(env!("CARGO_BIN_EXE_termination")).arg(scenario);
    service.env("LIFECYCLE_RESTART", "off").env("LIFECYCLE_TERMINATION_LOG", log)
}

/// What is in the file after the end, which was longer before.
fn ended(scenario: &str, code: i32) -> (String, Output) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    fs::write(&log, "of an earlier container, ".repeat(500)).expect("written");
    let output = service(scenario, &log).run().expect_code(code);
    (fs::read_to_string(&log).expect("a text"), output)
}

#[test]
fn cause_step_and_culprit_of_a_failing_exit_are_written() {
    for (scenario, code, says) in [
        ("fails", 1, ["main failed: no route to the exchange", "exit code 1", "Orders::flush"]),
        ("permanent", 78, ["main failed", "wrong key", "exit code 78"]),
        ("hook", 1, ["done", "persist  7", "no space left"]),
        ("hangs", 1, ["System Hang Detected", "src/bin/termination.rs", "\nSUSPECT "]),
        ("init", 1, ["init failed", "no certificate", "exit code 1"]),
    ] {
        let (text, output) = ended(scenario, code);
        for says in says {
            assert!(text.contains(says), "{scenario}: {says:?} is not in {text:?}\n{}", output.stderr);
        }
        assert!(!text.contains("earlier container"), "{scenario}: {text:?}");
    }
}

#[test]
fn a_wrong_variable_is_written_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    fs::write(&log, "").expect("written");
    let _output = service("well", &log).env("LIFECYCLE_DRAIN", "soon").run().expect_code(78);
    let text = fs::read_to_string(&log).expect("a text");
    assert!(text.contains("LIFECYCLE_DRAIN=soon") && text.contains("exit code 78"), "{text:?}");
}

#[test]
fn at_most_4096_bytes_are_written_and_they_are_a_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    fs::write(&log, "").expect("written");
    let long = "Ü".repeat(5_000);
    let _output = service("well", &log).env("LIFECYCLE_RESTART_MODE", long).run().expect_code(78);
    let text = fs::read_to_string(&log).expect("a text");
    assert!((4_095..=4_096).contains(&text.len()), "{}", text.len());
}

#[test]
fn a_good_end_leaves_it_as_it_was_and_a_file_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, missing) = (folder.path().join("log"), folder.path().join("missing"));
    fs::write(&log, "as it was").expect("written");
    let mut up = service("well", &log).start();
    up.line("up");
    up.signal(libc::SIGTERM);
    let _output = up.wait().expect_code(0);
    assert_eq!(fs::read_to_string(&log).expect("a text"), "as it was");
    let output = service("fails", &missing).run().expect_code(1);
    assert!(!missing.exists() && !output.stderr.contains("LIFECYCLE_TERMINATION_LOG"), "{}", output.stderr);
}

#[test]
fn a_pipe_that_nobody_reads_does_not_hold_up_the_exit() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    for scenario in ["fails", "hangs"] {
        let output = service(scenario, &pipe).run().expect_code(1);
        assert!(output.took < Duration::from_secs(20), "{scenario}: {:?}", output.took);
    }
}
