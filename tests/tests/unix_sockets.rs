//! `listen_unix`: connections while a service crashes and hangs, and the file of its socket.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Running, Service, activation};

const SOCKETS: &str = env!("CARGO_BIN_EXE_sockets");

fn service(how: &str, answers: u64, runs: u64) -> Service {
    let service = Service::new(SOCKETS).arg(how).arg(answers.to_string()).arg(runs.to_string());
    service.arg("unix:app.sock").env("LIFECYCLE_RESTART_MAX_CRASHES", "100000")
}

fn exec(service: Service) -> Service {
    service.env("LIFECYCLE_RESTART_MODE", "exec").env("LIFECYCLE_WATCHDOG_ON_HANG", "exec")
}

fn ask(path: &Path) -> Result<String> {
    let mut connection = UnixStream::connect(path)?;
    connection.set_read_timeout(Some(Duration::from_secs(50)))?;
    connection.write_all(b"hello\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    if answer.is_empty() { Err(Error::from(ErrorKind::ConnectionReset)) } else { Ok(answer) }
}

/// The socket's file, once somebody listens.
fn started(service: &mut Running) -> PathBuf {
    service.line("run 1 of");
    service.folder().join("app.sock")
}

fn terminated(service: Running) -> Output {
    service.signal(libc::SIGTERM);
    service.wait().expect_code(0)
}

/// One connection after the other, over crashes, re-execs and hangs: each is answered, and at the end there is no file.
#[test]
fn no_connection_is_lost_and_the_file_goes_with_the_process() {
    let hang = exec(service("hang", 30, 4));
    let hang = hang.env("LIFECYCLE_WATCHDOG_TIMEOUT", "500ms").env("LIFECYCLE_WATCHDOG_STARTUP", "500ms");
    for (service, runs) in [(service("crash", 30, 20), 21), (exec(service("crash", 30, 20)), 21), (hang, 5)] {
        let mut service = service.start();
        let path = started(&mut service);
        let status = service.line("listens on");
        assert!(status.contains(&format!("unix:{}", path.display())), "{status}");
        for answer in 0..runs * 30 {
            let expected = format!("run {} ", answer / 30 + 1);
            let got = ask(&path).unwrap_or_else(|error| panic!("answer {answer}: {error}"));
            assert!(got.starts_with(&expected), "answer {answer}: {got}");
        }
        let output = terminated(service);
        assert!(!path.exists(), "{}", output.stderr);
        assert!(!output.stderr.contains("bound anew"), "{}", output.stderr);
        assert!(!output.stdout.contains(" has 1 sockets"), "a child inherits it:\n{}", output.stdout);
    }
}

#[test]
fn a_wait_closes_the_socket_and_the_next_run_binds_it_anew() {
    for mode in ["task", "exec"] {
        let service = service("crash", 1, 2).env("LIFECYCLE_RESTART_MAX_CRASHES", "1");
        let mut service =
            service.env("LIFECYCLE_RESTART_MODE", mode).env("LIFECYCLE_RESTART_WAIT", "1500ms").start();
        let path = started(&mut service);
        for run in 1..=2 {
            assert!(ask(&path).expect("answered").starts_with(&format!("run {run} ")));
        }
        service.line("waiting");
        let until = Instant::now() + Duration::from_secs(1);
        while path.exists() && Instant::now() < until {}
        assert_eq!(ask(&path).expect_err("removed").kind(), ErrorKind::NotFound);
        service.line("run 3 of");
        assert!(ask(&path).expect("answered").starts_with("run 3 "));
        let _ = terminated(service);
        assert!(!path.exists());
    }
}

/// A killed process leaves its file behind. What is no socket, or in use, stays as it is.
#[test]
fn a_dead_socket_is_replaced_and_nothing_else() {
    let mut first = service("crash", 1, 0).start();
    let path = started(&mut first);
    first.signal(libc::SIGKILL);
    // Its folder lives as long as this.
    let killed = first.wait();
    assert!(std::fs::symlink_metadata(&path).expect("left behind").file_type().is_socket());
    let again = || {
        let service =
            Service::inside(SOCKETS, killed.folder.clone()).args(["crash", "1", "0", "unix:app.sock"]);
        service.env("LIFECYCLE_RESTART", "off")
    };
    let mut second = again().env("MODE", "620").start();
    second.line("run 2 of");
    assert!(ask(&path).expect("answered").starts_with("run 2 "));
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o620);

    let refused = again().run().expect_code(1);
    assert!(refused.stderr.contains("app.sock: Address already in use"), "{}", refused.stderr);
    assert!(ask(&path).expect("answered").starts_with("run 2 "));
    let _ = terminated(second);
    assert!(!path.exists(), "also where main is not run again");

    std::fs::write(&path, "text").expect("written");
    let refused = again().run().expect_code(1);
    assert!(refused.stderr.contains("app.sock: Address already in use"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&path).expect("kept"), "text");
}

/// A file that somebody removed costs one warning; one that somebody else has made since is not ours to remove.
#[test]
fn a_file_that_is_gone_is_bound_anew() {
    let mut service = service("crash", 1, 1).start();
    let path = started(&mut service);
    let waits = UnixStream::connect(&path).expect("answered");
    std::fs::remove_file(&path).expect("removed");
    (&waits).write_all(b"hello\n").expect("sent");
    service.line("run 2 of");
    assert!(ask(&path).expect("answered").starts_with("run 2 "));
    std::fs::remove_file(&path).expect("removed");
    let _other = UnixListener::bind(&path).expect("bound");
    let output = terminated(service);
    let warning = "is bound anew: its file was removed or replaced";
    assert_eq!(output.stderr.matches(warning).count(), 1, "{}", output.stderr);
    assert!(path.exists(), "another one's");
}

/// Another kind under the same name: one warning, and the address of the configuration.
#[test]
fn a_socket_of_another_kind_is_bound_anew() {
    let mut service = service("crash", 1, 1).env("NAME", "api").start();
    let path = started(&mut service);
    std::fs::write(service.folder().join("address"), "127.0.0.1:0").expect("written");
    assert!(ask(&path).is_ok());
    let line = service.line("run 2 of");
    let address = line.rsplit_once(" at ").expect("an address").1.parse().expect("TCP");
    assert!(lifecycle_tests::load::ask(address).expect("answered").starts_with("run 2 "));
    let output = terminated(service);
    assert!(!path.exists(), "its file goes with it");
    let warning = "is bound anew: asked for is 127.0.0.1:0";
    assert_eq!(output.stderr.matches(warning).count(), 1, "{}", output.stderr);
}

fn activated(listener: &UnixListener, name: &str, runs: &str) -> Service {
    let service = activation::activated(SOCKETS, &[listener.as_fd()], name);
    service.args(["crash", "1", runs, "unix:app.sock"])
}

/// systemd's unit decides on the path, and its file is systemd's.
#[test]
fn a_socket_of_systemd_is_used_in_each_run() {
    for (mode, name) in [("task", "app.socket"), ("exec", "api")] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("systemd.sock");
        let listener = UnixListener::bind(&path).expect("bound");
        let mut service = activated(&listener, name, "4").env("LIFECYCLE_RESTART_MODE", mode);
        if name == "api" {
            service = service.env("NAME", name);
        }
        let service = service.env("LIFECYCLE_RESTART_MAX_CRASHES", "1");
        let service = service.env("LIFECYCLE_RESTART_WAIT", "300ms").start();
        for run in 1..=5 {
            assert!(ask(&path).expect("never refused").starts_with(&format!("run {run} ")));
        }
        let own = service.folder().join("app.sock");
        let output = terminated(service);
        assert!(path.exists() && !own.exists());
        assert!(
            output.stderr.contains("waiting") && !output.stderr.contains("bound anew"),
            "{}",
            output.stderr
        );
    }
}

/// What systemd has stored for us is ours, also the file.
#[test]
fn a_socket_that_systemd_has_stored_is_used_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).expect("bound");
    let name = format!("lifecycle,unix%3a{}", path.display());
    let mut service = activated(&listener, &name, "1");
    service.command().current_dir(folder.path());
    let mut service = service.start();
    for run in 1..=2 {
        assert!(ask(&path).expect("never refused").starts_with(&format!("run {run} ")));
    }
    service.line("run 2 of");
    let output = terminated(service);
    assert!(!output.stderr.contains("bound anew"), "{}", output.stderr);
    assert!(!path.exists());
}
