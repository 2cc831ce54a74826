//! Databases that are killed or freeze, and a disk that is full: the service comes back, and loses and doubles nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lifecycle_tests::Running;
use tempfile::TempDir;

use crate::faults::{impatient, trades_on};
use crate::servers::{postgres, postgres_answers, published, redis, redis_answers};
use crate::service::{Database, folder, trading, trading_in};
use crate::undisturbed::audit;

/// The codes differ: a hook that could not write makes it 1.
fn stop(service: Running) {
    service.signal(libc::SIGTERM);
    let ended = service.wait();
    assert!([0, 1].contains(&ended.code), "code {}\n{}", ended.code, ended.stderr);
}

#[test]
fn a_postgres_that_is_killed_loses_nothing() {
    let (mut server, url) = postgres();
    let database = Database::at(&url);
    let mut service = impatient(trading(&["--tick", "2ms"])).env("DATABASE_URL", &url).start();
    service.line("day 1:");
    trades_on(&database, 64);
    server.kill();
    service.line("crash 1 of 3");
    server.restart();
    server.wait(|| postgres_answers(&url));
    trades_on(&database, 64);
    stop(service);
    audit(&database);
}

#[test]
fn a_postgres_that_freezes_is_a_hang_and_loses_nothing() {
    let (server, url) = postgres();
    let database = Database::at(&url);
    let folder = folder();
    let service = || {
        let service = impatient(trading_in(&folder, &["--tick", "2ms"])).env("DATABASE_URL", &url);
        service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "2s").start()
    };
    let mut hung = service();
    hung.line("day 1:");
    trades_on(&database, 64);
    server.signal(libc::SIGSTOP);
    let hung = hung.wait().expect_code(1);
    assert!(hung.stderr.contains("System Hang Detected"), "{}", hung.stderr);
    server.signal(libc::SIGCONT);
    // A limit of two seconds may be too short for a busy machine: this one has the default.
    let again = impatient(trading_in(&folder, &["--tick", "2ms"])).env("DATABASE_URL", &url).start();
    trades_on(&database, 64);
    stop(again);
    audit(&database);
}

#[test]
fn a_redis_that_is_killed_freezes_and_returns_empty_changes_nothing() {
    let (mut server, url) = redis();
    let mut service = trading(&["--tick", "2ms"]).env("REDIS_URL", &url).start();
    service.line("day 1:");
    let database = Database::sqlite(service.folder());
    trades_on(&database, 64);
    server.kill();
    service.line("cannot publish the account");
    server.restart();
    server.wait(|| redis_answers(&url));
    let until = Instant::now() + Duration::from_secs(60);
    while published(&url).is_none() {
        assert!(Instant::now() < until, "it is not published again");
        sleep(Duration::from_millis(50));
    }
    server.signal(libc::SIGSTOP);
    service.line("cannot publish the account");
    trades_on(&database, 64);
    server.signal(libc::SIGCONT);
    trades_on(&database, 64);
    service.signal(libc::SIGTERM);
    let ended = service.wait().expect_code(0);
    assert!(!ended.stderr.contains("crash 1 of"), "main went on: {}", ended.stderr);
    audit(&database);
    database.is_consistent();
}

/// A small file system of the test's own.
struct Disk(TempDir);

impl Disk {
    /// `None` where mounting is not allowed.
    fn new() -> Option<Disk> {
        let folder = TempDir::new().unwrap();
        mount(&["-t", "tmpfs", "-o", "size=200k", "tmpfs"], folder.path()).then_some(Disk(folder))
    }

    fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

fn mount(args: &[&str], folder: &Path) -> bool {
    Command::new("mount").args(args).arg(folder).output().is_ok_and(|mounted| mounted.status.success())
}

#[test]
fn a_full_disk_loses_nothing() {
    let Some(disk) = Disk::new() else {
        println!("skipped: a small file system cannot be mounted here");
        return;
    };
    let path = disk.path();
    let service = trading(&["--tick", "1ms", "--data-dir", path.to_str().unwrap()]);
    let mut service = impatient(service).start();
    service.line("disk is full");
    assert!(mount(&["-o", "remount,size=64m"], &path));
    let database = Database::at(&format!("sqlite://{}/trading.db", path.display()));
    trades_on(&database, 128);
    stop(service);
    audit(&database);
}
