//! Restart, back-off and the ledger, in plain form.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lifecycle_tests::{Service, ledger};

/// The defaults with their times divided by a hundred.
fn crash() -> Service {
    let service = Service::new(env!("CARGO_BIN_EXE_crash"));
    service
        .env("LIFECYCLE_RESTART_WITHIN", "3s")
        .env("LIFECYCLE_RESTART_WAIT", "600ms")
        .env("LIFECYCLE_RESTART_MAX_WAIT", "3s")
}

/// The next run binds the same socket again.
#[test]
fn three_crashes_restart_at_once_and_the_fourth_waits() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let mut service = crash().arg("0").arg("4").env("PORT", port.to_string()).start();
    service.line("run 1");
    let started = Instant::now();
    service.line("run 4");
    assert!(started.elapsed() < Duration::from_millis(600), "three restarts: {:?}", started.elapsed());
    let waits = service.line("waiting");
    assert!(waits.contains("crash 4 within 3s") && waits.contains("next try at 20"), "{waits}");
    let waiting = Instant::now();
    service.line("run 5");
    assert!(waiting.elapsed() >= Duration::from_millis(550), "{:?}", waiting.elapsed());
    service.line("stays up");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(ledger::crashes(output.folder.path()), 4);
    assert_eq!(ledger::state(output.folder.path()), "clean");
    // Each run's hook ran and its task was gone before the next began; init ran once.
    let lines: Vec<&str> = output.lines().into_iter().filter(|line| !line.starts_with("stays")).collect();
    let mut expected = vec!["init".to_owned()];
    for run in 1..=5 {
        expected.extend([format!("run {run}"), "closed true".into(), "task gone".into()]);
    }
    assert_eq!(lines, expected);
    assert!(
        output.stderr.contains("Error: run 1 failed\n\nCaused by:\n    no route to exchange"),
        "{}",
        output.stderr
    );
}

/// The waits that are announced.
#[test]
fn waits_grow_by_the_factor_up_to_the_longest() {
    for (factor, expected) in [("2", ["100ms", "200ms", "300ms", "300ms"]), ("1", ["100ms"; 4])] {
        let mut service = Service::new(env!("CARGO_BIN_EXE_crash"))
            .env("LIFECYCLE_RESTART_WAIT", "100ms")
            .env("LIFECYCLE_RESTART_MAX_WAIT", "300ms")
            .env("LIFECYCLE_RESTART_FACTOR", factor)
            .start();
        for wait in expected {
            let line = service.line("waiting");
            assert!(line.contains(&format!("waiting {wait},")), "{line}");
        }
        service.signal(libc::SIGTERM);
        let _ = service.wait().expect_code(0);
    }
}

/// The crash after it is no level of the rule.
#[test]
fn a_first_wait_is_waited_after_every_crash() {
    let mut service = crash().arg("0").arg("1").env("LIFECYCLE_RESTART_FIRST_WAIT", "400ms").start();
    service.line("run 1");
    let crashed = Instant::now();
    let waits = service.line("waiting");
    assert!(waits.contains("crash 1 of 3 in 3s: waiting 400ms"), "{waits}");
    service.line("run 2");
    assert!(crashed.elapsed() >= Duration::from_millis(390), "{:?}", crashed.elapsed());
    service.line("stays up");
    service.signal(libc::SIGTERM);
    let _output = service.wait().expect_code(0);
}

/// Never more than three in the window.
#[test]
fn slow_crashes_never_wait() {
    let mut service = crash().env("LIFECYCLE_RESTART_WITHIN", "1s").arg("400").arg("6").start();
    service.line("stays up");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(!output.stderr.contains("waiting"), "{}", output.stderr);
}

/// A run that is up for the window makes the next crash the first again.
#[test]
fn a_stable_run_resets_the_level() {
    let folder = crash().folder();
    let service = |uptime: &str, times: &str| {
        Service::inside(env!("CARGO_BIN_EXE_crash"), folder.clone())
            .env("LIFECYCLE_RESTART_WITHIN", "1s")
            .env("LIFECYCLE_RESTART_WAIT", "100ms")
            .arg(uptime)
            .arg(times)
    };
    let mut crashes = service("0", "5").start();
    crashes.line("waiting");
    crashes.line("waiting");
    crashes.line("stays up");
    std::thread::sleep(Duration::from_millis(1200));
    crashes.signal(libc::SIGTERM);
    let _ = crashes.wait().expect_code(0);
    let mut again = service("0", "4").start();
    let wait = again.line("waiting");
    assert!(wait.contains("crash 4 within 1s"), "{wait}");
    again.line("stays up");
    again.signal(libc::SIGTERM);
    let output = again.wait().expect_code(0);
    let text = output.stderr.lines().filter(|line| line.contains("waiting")).collect::<Vec<_>>();
    assert_eq!(text.len(), 1, "{text:?}");
    assert!(!text[0].contains("waiting 2"), "the level is back to the first wait: {text:?}");
}

/// SIGKILL counts at the next start, but not after SIGTERM.
#[test]
fn a_killed_process_is_a_crash_unless_it_was_stopping() {
    let mut service = crash().arg("0").arg("0").start();
    service.line("stays up");
    service.signal(libc::SIGKILL);
    let output = service.wait().expect_code(137);
    let mut service = Service::inside(env!("CARGO_BIN_EXE_crash"), output.folder).arg("0").arg("0").start();
    service.line("stays up");
    assert_eq!(ledger::crashes(service.folder()), 1);
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);

    let mut service = Service::inside(env!("CARGO_BIN_EXE_hooks"), output.folder).arg("slow").start();
    service.line("up");
    service.signal(libc::SIGTERM);
    service.line("slow begins");
    service.signal(libc::SIGKILL);
    let output = service.wait().expect_code(137);
    let mut service = Service::inside(env!("CARGO_BIN_EXE_crash"), output.folder).arg("0").arg("0").start();
    service.line("stays up");
    assert_eq!(ledger::crashes(service.folder()), 1);
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

#[test]
fn the_ledger_is_created_for_its_owner_only() {
    let mut service = crash().arg("0").arg("0").start();
    service.line("stays up");
    let mode = service.folder().join(".restart_count").metadata().expect("a ledger").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(ledger::state(service.folder()), "running");
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

/// What is not a ledger costs one warning.
#[test]
fn a_bad_ledger_is_kept_aside_with_one_warning() {
    for bad in ["", "x", "{\"version\": 1, \"runs\": [", "{\"version\": 99}", "\u{0}\u{1}\u{2}"] {
        let service = crash().arg("0").arg("0");
        let folder = service.folder();
        std::fs::write(folder.path().join(".restart_count"), bad).expect("written");
        let mut service = service.start();
        service.line("stays up");
        service.signal(libc::SIGTERM);
        let output = service.wait().expect_code(0);
        assert_eq!(output.stderr.matches("not a ledger").count(), 1, "{bad:?}: {}", output.stderr);
        assert_eq!(std::fs::read_to_string(output.path(".restart_count.bad")).expect("kept"), bad);
        assert_eq!(ledger::state(output.folder.path()), "clean");
    }
}

/// What is not ours to move stays where it is.
#[test]
fn a_device_in_the_ledgers_place_is_left_alone() {
    let mut service = crash().env("LIFECYCLE_RESTART_FILE", "/dev/null").arg("0").arg("2").start();
    service.line("stays up");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.stderr.matches("counting crashes in memory").count(), 1, "{}", output.stderr);
    assert!(std::fs::metadata("/dev/null").is_ok_and(|metadata| !metadata.is_file()));
    assert!(!std::path::Path::new("/dev/null.lock").exists());
}

#[test]
fn what_is_not_a_file_of_ours_in_the_ledgers_place_is_left_exactly_as_it_is() {
    for kind in ["folder", "fifo", "link", "program"] {
        let mut service = crash().arg("0").arg("2");
        let folder = service.folder().path().to_owned();
        let path = folder.join(if kind == "program" { "config.toml" } else { ".restart_count" });
        match kind {
            "folder" => {
                std::fs::create_dir(&path).expect("made");
                std::fs::write(path.join("data"), "precious").expect("written");
            }
            "fifo" => {
                let made = std::process::Command::new("mkfifo").arg(&path).status();
                assert!(made.is_ok_and(|status| status.success()));
            }
            "link" => {
                std::fs::write(folder.join("elsewhere"), "precious").expect("written");
                std::os::unix::fs::symlink("elsewhere", &path).expect("made");
            }
            _ => std::fs::write(&path, "precious = true").expect("written"),
        }
        let before = listing(&folder);
        service = service.env("LIFECYCLE_RESTART_FILE", path.to_str().expect("UTF-8"));
        let mut service = service.start();
        service.line("stays up");
        service.signal(libc::SIGTERM);
        let output = service.wait().expect_code(0);
        assert_eq!(
            output.stderr.matches("counting crashes in memory").count(),
            1,
            "{kind}: {}",
            output.stderr
        );
        assert_eq!(listing(&folder), before, "{kind}");
    }
}

/// Names, kinds and contents.
fn listing(folder: &std::path::Path) -> Vec<(String, bool, String)> {
    let entry = |entry: std::fs::DirEntry| {
        let kind = entry.file_type().expect("known");
        let contents = if kind.is_file() {
            std::fs::read_to_string(entry.path()).expect("readable")
        } else {
            String::new()
        };
        (entry.file_name().to_string_lossy().into_owned(), kind.is_dir(), contents)
    };
    let mut entries: Vec<_> = std::fs::read_dir(folder).expect("a folder").flatten().map(entry).collect();
    entries.sort();
    entries
}

#[test]
fn a_link_that_leads_nowhere_is_set_aside() {
    let service = crash().arg("0").arg("0");
    std::os::unix::fs::symlink(".restart_count", service.folder().path().join(".restart_count"))
        .expect("made");
    let mut service = service.start();
    service.line("stays up");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(output.path(".restart_count.bad").symlink_metadata().is_ok());
    assert_eq!(ledger::state(output.folder.path()), "clean");
}

/// A ledger that cannot be written costs one warning, and crashes count in memory.
#[test]
fn without_a_place_to_write_crashes_are_counted_in_memory() {
    let mut service = crash().env("LIFECYCLE_RESTART_FILE", "/proc/no/ledger").arg("0").arg("4").start();
    service.line("waiting");
    service.line("stays up");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.stderr.matches("counting crashes in memory").count(), 1, "{}", output.stderr);
}

/// Two processes at once on one file.
#[test]
fn two_processes_share_a_ledger() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let mut services: Vec<_> = (0..2)
        .map(|_| Service::inside(env!("CARGO_BIN_EXE_crash"), folder.clone()).arg("0").arg("3"))
        .map(|service| service.env("LIFECYCLE_RESTART_MAX_CRASHES", "50").start())
        .collect();
    for service in &mut services {
        service.line("stays up");
    }
    assert_eq!(ledger::crashes(folder.path()), 6);
    for service in services {
        service.signal(libc::SIGTERM);
        let _ = service.wait().expect_code(0);
    }
}
