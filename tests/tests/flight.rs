//! The flight recorder: when a process that was killed died, and of what.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lifecycle_tests::{Output, Running, Service, ledger};
use tempfile::TempDir;

const FILE: &str = ".restart_count.flight";

/// Ticks of the watchdog, at a timeout of 2 s, are 200 ms long; a busy machine may delay one.
const TICK: Duration = Duration::from_millis(200);

fn service(folder: &Arc<TempDir>, how: &str) -> Service {
    Service::inside(env!("CARGO_BIN_EXE_flight"), folder.clone()).arg(how)
}

fn folder() -> Arc<TempDir> {
    Arc::new(tempfile::tempdir().expect("a folder"))
}

fn kill(mut service: Running) -> Output {
    service.line("runs");
    std::thread::sleep(TICK * 3);
    service.signal(libc::SIGKILL);
    service.wait().expect_code(137)
}

/// What the next start says about the run before it.
fn told(folder: &Arc<TempDir>) -> String {
    let mut next = service(folder, "quiet").env("LIFECYCLE_RESTART_MAX_CRASHES", "1000").start();
    next.line("runs");
    next.signal(libc::SIGTERM);
    let output = next.wait().expect_code(0);
    output.stderr.lines().find(|line| line.contains("previous run")).unwrap_or_default().to_owned()
}

/// As `status()` has it.
fn previous(folder: &Arc<TempDir>) -> serde_json::Value {
    previous_of(service(folder, "quiet"))
}

fn previous_of(next: Service) -> serde_json::Value {
    let mut next = next.env("LIFECYCLE_RESTART_MAX_CRASHES", "1000").start();
    let previous = serde_json::from_str(&next.line("last_seen")).expect("JSON");
    next.signal(libc::SIGTERM);
    let _ = next.wait().expect_code(0);
    previous
}

#[test]
fn who_was_killed_in_peace_is_told_from_who_was_stuck() {
    let folder = folder();
    let killed_at = {
        let _ = kill(service(&folder, "quiet").start());
        SystemTime::now()
    };
    let file = folder.path().join(FILE).metadata().expect("a recorder");
    assert_eq!((file.permissions().mode() & 0o777, file.len()), (0o600, 4096));
    let line = told(&folder);
    for text in [
        "was killed ",
        " ago, up ",
        "all quiet, memory ",
        ": probably killed by somebody",
        "last note: importing day 3 of 90",
    ] {
        assert!(line.contains(text), "{text}: {line}");
    }
    let history = lifecycle::ledger::read(folder.path().join(".restart_count")).expect("a ledger");
    let seen = history.crashes()[0].last_seen().expect("seen").clone();
    assert_eq!((seen.probably, seen.state.as_str()), (lifecycle::Probably::Stopped, "running"));
    assert!(seen.resident > 1 << 20 && seen.threads > 2, "{seen:?}");
    let age = killed_at.duration_since(seen.at).expect("before");
    assert!(age < TICK * 10, "{age:?}");
}

/// Past half of its time, and not at its end.
#[test]
fn who_was_frozen_is_told_with_its_heartbeat() {
    let folder = folder();
    let mut frozen = service(&folder, "stuck").start();
    frozen.line("no beat for");
    std::thread::sleep(TICK * 2);
    frozen.signal(libc::SIGKILL);
    let _ = frozen.wait().expect_code(137);
    let line = told(&folder);
    assert!(
        line.contains("heartbeat `feed` had not beaten for ") && line.contains(": probably frozen"),
        "{line}"
    );
}

#[test]
fn who_was_killed_in_its_shutdown_is_told_with_the_step() {
    let folder = folder();
    let mut service = service(&folder, "slow-stop").start();
    service.line("runs");
    service.signal(libc::SIGTERM);
    service.line("flushes");
    std::thread::sleep(TICK * 4);
    service.signal(libc::SIGKILL);
    let _ = service.wait().expect_code(137);
    let previous = previous(&folder);
    assert_eq!(previous["ending"], "unfinished");
    assert_eq!(previous["last_seen"]["state"], "stopping: persist 3", "{previous}");
    assert_eq!(ledger::crashes(folder.path()), 0);
}

/// A file that is torn, foreign, old, a link or a folder costs nothing, and is left alone if it is not ours.
#[test]
fn whatever_lies_in_its_place_costs_nothing() {
    for what in ["torn", "foreign", "link", "folder", "missing"] {
        let folder = folder();
        let _ = kill(service(&folder, "quiet").start());
        let path = folder.path().join(FILE);
        let mut page = std::fs::read(&path).expect("a recorder");
        std::fs::remove_file(&path).expect("ours");
        let elsewhere = folder.path().join("elsewhere");
        match what {
            "torn" => {
                page[16..].iter_mut().for_each(|byte| *byte ^= 0x55);
                std::fs::write(&path, &page).expect("written");
            }
            "foreign" => std::fs::write(&path, "precious").expect("written"),
            "link" => {
                std::fs::write(&elsewhere, "precious").expect("written");
                symlink(&elsewhere, &path).expect("made");
            }
            "folder" => std::fs::create_dir(&path).expect("made"),
            _ => {}
        }
        let line = told(&folder);
        assert!(line.contains("was killed without a trace after"), "{what}: {line}");
        match what {
            "foreign" => assert_eq!(std::fs::read_to_string(&path).expect("kept"), "precious"),
            "link" => assert_eq!(std::fs::read_to_string(&elsewhere).expect("kept"), "precious"),
            "folder" => assert!(path.is_dir()),
            _ => assert_eq!(path.metadata().expect("a new one").len(), 4096),
        }
    }
}

/// The page is cut under the watchdog's hands: it records into memory of nobody from then on, and the service goes on.
#[test]
fn a_file_that_is_cut_while_it_records_harms_nobody() {
    let folder = folder();
    let mut service = service(&folder, "quiet").start();
    service.line("runs");
    let maps = format!("/proc/{}/maps", service.pid());
    let is_mapped = || std::fs::read_to_string(&maps).expect("it lives").contains(FILE);
    assert!(is_mapped());
    let file = std::fs::File::options().write(true).open(folder.path().join(FILE));
    file.and_then(|file| file.set_len(0)).expect("cut");
    let until = Instant::now() + Duration::from_secs(20);
    while is_mapped() {
        assert!(Instant::now() < until, "the next tick stores into it");
        std::thread::sleep(TICK / 10);
    }
    std::thread::sleep(TICK * 3);
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

#[test]
fn without_a_watchdog_or_a_ledger_nothing_is_recorded() {
    for (name, value) in [("LIFECYCLE_WATCHDOG", "off"), ("LIFECYCLE_RESTART", "off")] {
        let folder = folder();
        let mut service = service(&folder, "quiet").env(name, value).start();
        service.line("runs");
        service.signal(libc::SIGTERM);
        let _ = service.wait().expect_code(0);
        assert!(!folder.path().join(FILE).exists(), "{name}");
    }
}

/// Two processes of one ledger: the second one does not record into the first one's page.
#[test]
fn one_page_is_one_processes() {
    let folder = folder();
    let mut first = service(&folder, "quiet").start();
    first.line("runs");
    let mut second = service(&folder, "quiet").start();
    second.line("runs");
    std::thread::sleep(TICK * 3);
    let pid = first.pid();
    first.signal(libc::SIGKILL);
    let _ = first.wait();
    let line = told(&folder);
    assert!(line.contains(&format!("(pid {pid}) was killed ")) && line.contains("all quiet"), "{line}");
    second.signal(libc::SIGTERM);
    let _ = second.wait();
}

/// Killed in turn by the kernel, for memory, and by hand: each is told apart, in every one, and when to the tick.
#[test]
fn out_of_memory_is_told_from_a_kill() {
    let Some(group) = MemoryGroup::make(48 << 20) else {
        return println!("skipped: no memory cgroup can be made here");
    };
    let rounds: u32 = std::env::var("FLIGHT_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let folder = folder();
    for round in 0..rounds {
        let is_hungry = round % 2 == 0;
        let service = group.inside(service(&folder, if is_hungry { "eat" } else { "quiet" }));
        let mut running = service.env("LIFECYCLE_RESTART_MAX_CRASHES", "1000").start();
        running.line("runs");
        if !is_hungry {
            std::thread::sleep(TICK * 2);
            running.signal(libc::SIGKILL);
        }
        let output = running.wait().expect_code(137);
        let died = SystemTime::now();
        let previous = previous_of(group.inside(self::service(&folder, "quiet")));
        let seen = &previous["last_seen"];
        let expected = if is_hungry { "out_of_memory" } else { "stopped" };
        assert_eq!(seen["probably"], expected, "{round}: {previous}\n{}", output.stderr);
        let at = time(seen["at"].as_str().expect("a time"));
        let age = died.duration_since(at).unwrap_or_default();
        assert!(age < TICK * 10, "{round}: {age:?}");
    }
}

/// Of RFC 3339.
fn time(text: &str) -> SystemTime {
    let output = std::process::Command::new("date").args(["-d", text, "+%s%3N"]).output().expect("date");
    let ms: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
    UNIX_EPOCH + Duration::from_millis(ms)
}

/// A memory cgroup below the one of this process, of version 1 or 2; removed when dropped.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    fn make(limit: u64) -> Option<MemoryGroup> {
        let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let (mount, path, name) = groups.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            match (fields.next()?, fields.next()?) {
                ("memory", path) => Some(("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes")),
                ("", path) if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() => {
                    Some(("/sys/fs/cgroup", path, "memory.max"))
                }
                _ => None,
            }
        })?;
        let own = Path::new(mount).join(path.trim_start_matches('/'));
        let base = if own.is_dir() { own } else { PathBuf::from(mount) };
        let group = MemoryGroup(base.join(format!("lifecycle-{}", std::process::id())));
        std::fs::create_dir(&group.0).ok()?;
        std::fs::write(group.0.join(name), limit.to_string()).ok()?;
        // Swap would only delay it.
        let _ = std::fs::write(group.0.join("memory.swap.max"), "0");
        Some(group)
    }

    fn inside(&self, mut service: Service) -> Service {
        let procs = self.0.join("cgroup.procs");
        // SAFETY: the child writes to a file, and does nothing else.
        unsafe {
            service.command().pre_exec(move || std::fs::write(&procs, "0"));
        }
        service
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}
