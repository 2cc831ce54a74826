//! The file survives what crashed the service, and the service survives what befell the file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Running, Service};
use tempfile::TempDir;

/// Inside a folder whose name the shim knows, so that the fsync of the folder counts as a call on the ledger.
const FILE: &str = "folder.restart_count/.restart_count";

fn service(folder: &Arc<TempDir>) -> Service {
    Service::inside(env!("CARGO_BIN_EXE_crash"), folder.clone())
        .env("LIFECYCLE_RESTART_FILE", FILE)
        .env("LIFECYCLE_RESTART_MAX_CRASHES", "1000000")
}

fn folder() -> Arc<TempDir> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("folder.restart_count")).expect("made");
    Arc::new(folder)
}

/// The library that makes a disk fail, built once.
fn faults() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let library =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/faults.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .args([source, "-ldl"])
            .status();
        assert!(built.is_ok_and(|status| status.success()), "cc builds {source}");
        library
    })
}

/// How many crashes are listed: the file must be a ledger, whole.
fn listed(folder: &TempDir) -> usize {
    let history = lifecycle::ledger::read(folder.path().join(FILE)).expect("old or new, never mixed");
    history.crashes().len()
}

fn stop(mut service: Running) -> Output {
    service.line("stays up");
    service.signal(libc::SIGTERM);
    service.wait().expect_code(0)
}

/// A crash at every boundary of every write: before each call, and in the middle of each write.
#[test]
fn killed_at_every_call_the_ledger_is_old_or_new() {
    let folder = folder();
    let _ = service(&folder).env("LEAVE", "1").args(["0", "1"]).run().expect_code(0);
    let mut crashes = listed(&folder);
    assert_eq!(crashes, 1);
    for call in 1..1000 {
        let output = service(&folder)
            .env("LEAVE", "1")
            .args(["0", "1"])
            .env("LD_PRELOAD", faults())
            .env("FAULT_KILL", call.to_string())
            .run();
        let now = listed(&folder);
        // A crash of its own, and that of the process before it, which was killed.
        assert!(
            (crashes..=crashes + 2).contains(&now),
            "call {call}: {crashes}, then {now}\n{}",
            output.stderr
        );
        assert!(!output.stderr.contains("not a ledger"), "call {call}: {}", output.stderr);
        crashes = now.min(98);
        if output.code == 0 {
            assert!(call > 30, "the shim counts calls: {call}");
            return;
        }
        assert_eq!(output.code, 137, "call {call}: {}", output.stderr);
    }
    panic!("a thousand calls and no end");
}

/// A thousand kills at random moments.
#[test]
fn killed_a_thousand_times_the_ledger_is_old_or_new() {
    let folder = folder();
    let mut random = 88_172_645_463_325_252_u64;
    for kill in 0..1000 {
        let service = service(&folder).arg("0").start();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // From before its first write to the middle of its tenth crash.
        std::thread::sleep(Duration::from_micros(random % 30_000));
        service.signal(libc::SIGKILL);
        let output = service.wait().expect_code(137);
        assert!(!output.stderr.contains("not a ledger"), "kill {kill}: {}", output.stderr);
        if folder.path().join(FILE).exists() {
            listed(&folder);
        }
    }
    assert_eq!(listed(&folder), 100);
}

/// A full disk is one warning, and crashes count in memory: the fourth one waits.
#[test]
fn a_full_disk_costs_one_warning() {
    let folder = folder();
    let mut full = service(&folder)
        .env("LD_PRELOAD", faults())
        .env("FAULT_FULL", "1")
        .env("LIFECYCLE_RESTART_MAX_CRASHES", "3")
        .env("LIFECYCLE_RESTART_WAIT", "200ms")
        .args(["0", "4"])
        .start();
    full.line("waiting 200ms");
    let output = stop(full);
    assert_eq!(output.stderr.matches("counting crashes in memory").count(), 1, "{}", output.stderr);
    let left = std::fs::read_dir(folder.path().join("folder.restart_count")).expect("a folder").count();
    assert_eq!(left, 1, "the lock file, and no half-written one");
}

/// As above, with a ledger from better days: what cannot be written is not forgotten at the next look at the file.
#[test]
fn a_disk_that_became_full_does_not_switch_the_rule_off() {
    let folder = folder();
    let _ = service(&folder).env("LEAVE", "1").args(["0", "1"]).run().expect_code(0);
    let mut full = service(&folder)
        .env("LD_PRELOAD", faults())
        .env("FAULT_FULL", "1")
        .env("LIFECYCLE_RESTART_MAX_CRASHES", "3")
        .env("LIFECYCLE_RESTART_WAIT", "200ms")
        .args(["0", "6"])
        .start();
    for line in ["crash 2 of 3", "crash 3 of 3", "crash 4 within", "crash 5 within"] {
        full.line(line);
    }
    let _ = stop(full);
    assert_eq!(listed(&folder), 1);
}

/// A disk that never answers again costs a wait, at the start or after a crash, and the service lives and stops. A start
/// without a crash writes nothing that needs `fsync`.
#[test]
fn a_stalled_disk_delays_nothing_for_long() {
    for call in ["open", "fsync", "rename", "flock"] {
        let folder = folder();
        let mut stalled =
            service(&folder).env("LD_PRELOAD", faults()).env("FAULT_STALL", call).args(["0", "1"]).start();
        let started = Instant::now();
        stalled.line("run 1");
        stalled.line("run 2");
        assert!(started.elapsed() < Duration::from_secs(8), "{call}: {:?}", started.elapsed());
        let output = stop(stalled);
        assert!(output.took < Duration::from_secs(10), "{call}: {:?}", output.took);
        assert_eq!(output.stderr.matches("write timed out").count(), 1, "{call}: {}", output.stderr);
    }
}

/// A disk that answers late: what was told meanwhile is written then.
#[test]
fn a_disk_that_recovers_gets_what_it_missed() {
    let folder = folder();
    let slow = service(&folder)
        .env("LD_PRELOAD", faults())
        .env("FAULT_STALL", "fsync")
        .env("FAULT_STALL_MS", "2500")
        .args(["0", "3"])
        .start();
    let path = folder.path().join(FILE);
    let until = Instant::now() + Duration::from_secs(30);
    while !path.exists() || listed(&folder) < 3 {
        assert!(Instant::now() < until, "the crashes are written in the end");
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = stop(slow);
    assert_eq!(listed(&folder), 3);
}

/// Two processes, 200 crashes each, on one file: none is lost, though only the last hundred are listed.
#[test]
fn two_processes_lose_no_crash() {
    let folder = folder();
    let services: Vec<_> = (0..2).map(|_| service(&folder).args(["0", "200"]).start()).collect();
    let outputs: Vec<_> = services.into_iter().map(stop).collect();
    let history = lifecycle::ledger::read(folder.path().join(FILE)).expect("a ledger");
    assert_eq!((history.recorded(), history.crashes().len()), (400, 100));
    // A busy disk may be complained about, but nobody sees what the other one writes half done.
    for output in outputs {
        assert!(!output.stderr.contains("not a ledger"), "{}", output.stderr);
    }
}

/// What is not a ledger costs one warning and no time, and is kept.
#[test]
fn a_huge_file_is_set_aside_at_once() {
    let folder = folder();
    let huge = std::fs::File::create(folder.path().join(FILE)).expect("made");
    huge.set_len(1 << 30).expect("sparse");
    let mut started = service(&folder).args(["0", "0"]).start();
    let begun = Instant::now();
    started.line("stays up");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    started.signal(libc::SIGTERM);
    let output = started.wait().expect_code(0);
    assert_eq!(output.stderr.matches("not a ledger (1073741824 bytes)").count(), 1, "{}", output.stderr);
    let kept = folder.path().join(format!("{FILE}.bad")).metadata().expect("kept").len();
    assert_eq!(kept, 1 << 30);
}

/// Cut at every byte, or of another version: set aside with one warning, and the service runs.
#[test]
fn a_file_cut_anywhere_is_set_aside() {
    let folder = folder();
    let _ = service(&folder).env("LEAVE", "1").args(["0", "1"]).run().expect_code(0);
    let path = folder.path().join(FILE);
    // A mark that was changed in place may be followed by spaces.
    let whole = std::fs::read(&path).expect("a ledger").trim_ascii_end().to_vec();
    let newer = String::from_utf8_lossy(&whole).replace("\"version\": 1", "\"version\": 2");
    // Every cut is tried on the parser in its unit test; here the ends and some in between, and two other versions.
    let cuts = [0, 1, 2, whole.len() / 3, whole.len() / 2, whole.len() - 3];
    let bad = cuts
        .map(|cut| whole[..cut].to_vec())
        .into_iter()
        .chain([newer.into_bytes(), b"{\"version\": 0}".to_vec()]);
    for bad in bad {
        std::fs::write(&path, &bad).expect("written");
        let aside = folder.path().join(format!("{FILE}.bad"));
        let output = stop(service(&folder).args(["0", "0"]).start());
        assert_eq!(output.stderr.matches("not a ledger").count(), 1, "{}", output.stderr);
        assert_eq!(std::fs::read(&aside).expect("kept"), bad);
        std::fs::remove_file(aside).expect("removed");
        assert_eq!(listed(&folder), 0);
    }
}

/// Entries from the future, and a clock that stands in 1970 or lies an hour off: the wait is at most the longest.
#[test]
fn clocks_that_step_never_lengthen_a_wait() {
    for at in ["1970-01-01T00:00:00Z", "2098-01-01T00:00:00Z"] {
        let folder = folder();
        let crash = format!(
            r#"{{"cause": "x", "at": "{at}", "boot": "another", "since_boot_ms": 5, "pid": 1, "uptime_ms": 0, "wait_ms": null, "waited_ms": 0}}"#
        );
        let text = format!(r#"{{"version": 1, "runs": [], "crashes": [{}]}}"#, vec![crash; 50].join(","));
        std::fs::write(folder.path().join(FILE), text).expect("written");
        let mut started = service(&folder)
            .env("LIFECYCLE_RESTART_MAX_CRASHES", "3")
            .env("LIFECYCLE_RESTART_WAIT", "300ms")
            .env("LIFECYCLE_RESTART_MAX_WAIT", "500ms")
            .args(["0", "0"])
            .start();
        let begun = Instant::now();
        started.line("stays up");
        assert!(begun.elapsed() < Duration::from_secs(3), "{at}: {:?}", begun.elapsed());
        let _ = stop_now(started);
    }
}

fn stop_now(service: Running) -> Output {
    service.signal(libc::SIGTERM);
    service.wait().expect_code(0)
}
