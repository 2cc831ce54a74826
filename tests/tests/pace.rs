//! Time that a process did not have is not held against its heartbeats; and limits of every size are bearable.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lifecycle_tests::{Running, Service};

fn pace(scenario: &str, limit: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_pace"))
        .arg(scenario)
        .env("LIFECYCLE_WATCHDOG_TIMEOUT", limit)
        .env("LIFECYCLE_WATCHDOG_STARTUP", "20s")
}

fn stops_well(service: Running) {
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(!output.stderr.contains("CRITICAL"), "{}", output.stderr);
}

#[test]
fn a_stop_of_twenty_limits_is_no_hang() {
    let mut service = pace("slices", "500ms").start();
    for _ in 0..2 {
        service.line("round");
        service.signal(libc::SIGSTOP);
        std::thread::sleep(Duration::from_secs(10));
        service.signal(libc::SIGCONT);
    }
    for _ in 0..4 {
        service.line("round");
    }
    stops_well(service);
}

#[test]
fn limits_of_every_size_are_bearable() {
    let service = pace("limits", "10s").start();
    std::thread::sleep(Duration::from_secs(3));
    assert!(service.signal_if_alive(0));
    stops_well(service);
    let output = pace("short-hangs", "10s").run().expect_code(1);
    assert!(output.stderr.contains("heartbeat `nanosecond`"), "{}", output.stderr);
}

/// A control group with a twentieth of one processor; `None` where none can be made.
struct Group(PathBuf);

impl Group {
    fn make(name: &str) -> Option<Group> {
        let quota = |folder: PathBuf, file: &str, text: &str| {
            std::fs::create_dir_all(&folder).ok()?;
            let group = Group(folder);
            std::fs::write(group.0.join(file), text).ok().map(|()| group)
        };
        let (first, second) = (Path::new("/sys/fs/cgroup/cpu"), Path::new("/sys/fs/cgroup"));
        if first.is_dir() {
            return quota(first.join(name), "cpu.cfs_quota_us", "5000");
        }
        quota(second.join(name), "cpu.max", "5000 100000")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn a_process_with_a_twentieth_of_a_processor_is_not_taken_for_hung() {
    let Some(group) = Group::make(&format!("lifecycle-tests-{}", std::process::id())) else {
        return eprintln!("skipped: no control group with a CPU quota can be made here");
    };
    // A round needs 100 ms of a processor, so two seconds with a twentieth of one; the limit is half of that.
    let mut service = pace("burns", "1s");
    let processes =
        std::fs::OpenOptions::new().write(true).open(group.0.join("cgroup.procs")).expect("a group");
    // SAFETY: one write between fork and exec, of a text that is there.
    unsafe {
        service.command().pre_exec(move || (&processes).write_all(b"0"));
    }
    let mut service = service.start();
    for _ in 0..6 {
        service.line("round");
    }
    assert!(service.signal_if_alive(0));
    service.signal(libc::SIGKILL);
    let output = service.wait();
    assert!(!output.stderr.contains("CRITICAL"), "{}", output.stderr);
}
