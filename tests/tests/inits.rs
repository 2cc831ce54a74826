//! Under the inits of containers and under process supervisors: start, stop, exit code and restart as each expects. Skipped with a
//! word where one is not installed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lifecycle_tests::{Running, Service};

const SERVICE: &str = env!("CARGO_BIN_EXE_supervised");

const PATIENCE: Duration = Duration::from_secs(30);

/// A process 1 of its own.
const NAMESPACE: [&str; 4] = ["--pid", "--fork", "--mount-proc", "--kill-child"];

fn is_there(program: &str) -> bool {
    let found = Command::new("which").arg(program).output().is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// What the processes of the service have written.
fn starts(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("starts")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn wait_until(what: &str, folder: &Path, is_it: impl Fn(&[String]) -> bool) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let now = starts(folder);
        if is_it(&now) {
            return now;
        }
        assert!(Instant::now() < until, "{what}: {now:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The init that `unshare` has started.
fn signal_init(service: &Running, signal: libc::c_int) {
    let children = format!("/proc/{0}/task/{0}/children", service.pid());
    let init = std::fs::read_to_string(children).expect("procfs").trim().parse().expect("one child");
    // SAFETY: takes numbers only.
    assert_eq!(unsafe { libc::kill(init, signal) }, 0);
}

/// The init is PID 1, forwards signals, and ends with the service's code.
#[test]
fn under_the_inits_of_containers() {
    let allowed = Command::new("unshare").args(NAMESPACE).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: no namespace of processes may be made here");
        return;
    }
    for init in ["tini", "dumb-init", "catatonit"] {
        if !is_there(init) {
            continue;
        }
        let under = |scenario: &str| {
            let service = Service::new("unshare").args(NAMESPACE).args([init, "--", SERVICE, scenario]);
            service.env("LC_ALL", "C").start()
        };
        for signal in [libc::SIGTERM, libc::SIGINT] {
            let mut service = under("serve");
            service.line("up");
            signal_init(&service, signal);
            let output = service.wait().expect_code(0);
            assert_eq!(starts(output.folder.path()), ["pid 2", "flushed"], "{init}: {}", output.stderr);
        }
        assert_eq!(under("flaky").wait().code, 1, "{init}");
        assert_eq!(under("permanent").wait().code, 78, "{init}");
    }
}

/// A folder with a service as `s6` and `runit` have it.
fn supervised(scenario: &str, finish: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let exits = "echo \"exit $1\" >> starts";
    for (name, text) in
        [("run", format!("exec {SERVICE} {scenario}")), ("finish", format!("{exits}\n{finish}\nexit 0"))]
    {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\nexec 2>&1\n{text}\n")).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("a mode");
    }
    folder
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().expect("installed");
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}

/// Failed once, started again, stopped once: by whoever supervises it.
fn a_life(supervisor: Running, folder: &Path, stop: impl FnOnce()) {
    wait_until("started again", folder, |lines| {
        lines.iter().filter(|line| line.starts_with("pid")).count() == 2
    });
    // It has its signal handlers before the first line of main.
    stop();
    let lines = wait_until("stopped", folder, |lines| lines.last().is_some_and(|line| line == "exit 0"));
    let kinds: Vec<&str> =
        lines.iter().map(|line| if line.starts_with("pid") { "pid" } else { line }).collect();
    assert_eq!(kinds, ["pid", "flushed", "exit 1", "pid", "flushed", "exit 0"]);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(starts(folder).len(), 6, "not started again");
    drop(supervisor);
}

/// What cannot work is not tried again.
fn a_permanent_failure(supervisor: Running, folder: &Path) {
    wait_until("ended", folder, |lines| lines.last().is_some_and(|line| line == "exit 78"));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(starts(folder).len(), 3, "{:?}", starts(folder));
    drop(supervisor);
}

#[test]
fn under_s6() {
    if !is_there("s6-supervise") {
        return;
    }
    let finish = "[ \"$1\" = 78 ] && exit 125";
    let start = |folder: &Path| Service::new("s6-supervise").arg(folder).start();
    let folder = supervised("flaky", finish);
    let path = folder.path().to_str().expect("UTF-8");
    let supervisor = start(folder.path());
    a_life(supervisor, folder.path(), || run("s6-svc", &["-wD", "-T", "20000", "-d", path]));
    let folder = supervised("permanent", finish);
    a_permanent_failure(start(folder.path()), folder.path());
}

#[test]
fn under_runit() {
    if !is_there("runsv") {
        return;
    }
    let finish = "if [ \"$1\" = 78 ]; then sv down \"$PWD\"; fi";
    let start = |folder: &Path| Service::new("runsv").arg(folder).start();
    let folder = supervised("flaky", finish);
    let path = folder.path().to_str().expect("UTF-8");
    let supervisor = start(folder.path());
    a_life(supervisor, folder.path(), || run("sv", &["-w", "20", "stop", path]));
    let folder = supervised("permanent", finish);
    a_permanent_failure(start(folder.path()), folder.path());
}

/// It runs the service itself, without a shell, and its log has the exit codes.
#[test]
fn under_supervisord() {
    if !is_there("supervisord") {
        return;
    }
    for (scenario, exits) in
        [("flaky", "exit status 1; not expected"), ("permanent", "exit status 78; expected")]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("UTF-8");
        let configuration = format!(
            "[unix_http_server]\nfile={path}/control\n[rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
             [supervisord]\nnodaemon=true\nlogfile={path}/log\npidfile={path}/pid\n\
             [program:app]\ncommand={SERVICE} {scenario}\ndirectory={path}\nautorestart=unexpected\n\
             exitcodes=0,78\nstartsecs=0\nstopwaitsecs=26\n"
        );
        std::fs::write(folder.path().join("supervisord.conf"), configuration).expect("written");
        let conf = folder.path().join("supervisord.conf");
        let mut supervisor = Service::new("supervisord").arg("-c").arg(&conf).start();
        supervisor.line(exits);
        if scenario == "flaky" {
            wait_until("started again", folder.path(), |lines| lines.len() == 3);
            run("supervisorctl", &["-s", &format!("unix://{path}/control"), "stop", "app"]);
            supervisor.line("stopped: app (exit status 0)");
        }
        std::thread::sleep(Duration::from_secs(2));
        let lines = starts(folder.path());
        let kinds = lines.iter().map(|line| line.starts_with("pid"));
        let expected: &[bool] =
            if scenario == "flaky" { &[true, false, true, false] } else { &[true, false] };
        assert!(kinds.eq(expected.iter().copied()), "{lines:?}");
        supervisor.signal(libc::SIGTERM);
        let _ = supervisor.wait().expect_code(0);
    }
}
