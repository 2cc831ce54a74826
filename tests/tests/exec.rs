//! `restart(mode = "exec")`, `watchdog(on_hang = "exec")`: a new image of the executable in the same process.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::time::Duration;

use lifecycle_tests::{Output, Running, Service, ledger};

const EXEC: &str = env!("CARGO_BIN_EXE_exec");

fn service(scenario: &str, times: &str) -> Service {
    Service::new(EXEC).arg(scenario).arg(times).env("LIFECYCLE_RESTART_MODE", "exec")
}

fn unlimited(scenario: &str, times: &str) -> Service {
    service(scenario, times).env("LIFECYCLE_RESTART_MAX_CRASHES", "100000")
}

fn terminated(service: Running) -> Output {
    service.signal(libc::SIGTERM);
    service.wait().expect_code(0)
}

/// The word after `key` in a line.
fn word<'a>(line: &'a str, key: &str) -> &'a str {
    let after = line.split_once(key).map_or("", |(_, after)| after);
    after.split_whitespace().next().unwrap_or_default()
}

#[test]
fn nothing_of_a_crashed_image_is_left() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let service = unlimited("dirty", "3").env("DESCRIPTORS", "1");
    let mut service = service.env("PORT", port.to_string()).env("GREETING", "hello").start();
    let pid = service.pid();
    let mut state = String::new();
    for run in 1..=4 {
        // A static begins anew, the arguments say when to stay up, the variable and the folder of `runs` are back.
        service.line(&format!("run {run} of pid {pid}: 1 of its image, greeting \"hello\""));
        let now = service.line("descriptors");
        // The first image has what it inherited, such as the descriptors of a `make`.
        if run > 2 {
            assert_eq!(word(&now, "descriptors "), word(&state, "descriptors "), "{now}");
            assert_eq!(word(&now, "ignored "), word(&state, "ignored "), "{now}");
        }
        assert_eq!(word(&now, "blocked "), "0000000000000000", "{now}");
        state = now;
    }
    service.line("stays up");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    assert!(status.starts_with("Name:\texec\n"), "{status}");
    let output = terminated(service);
    assert_eq!(output.stderr.matches("init\n").count(), 4, "{}", output.stderr);
    assert_eq!(output.stderr.matches("Error: \"run").count(), 3, "each error once: {}", output.stderr);
    assert_eq!(ledger::crashes(output.folder.path()), 3);
    assert_eq!(ledger::state(output.folder.path()), "clean");
}

/// The default mode.
#[test]
fn mode_task_stays_in_its_image() {
    let mut service = unlimited("crash", "2").env("LIFECYCLE_RESTART_MODE", "task").start();
    service.line("3 of its image");
    let output = terminated(service);
    assert_eq!(output.stderr.matches("init\n").count(), 1);
}

/// The keys of a hash map are the randomness that the standard library has.
fn random() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0)
}

/// At random moments, of the exec too. A run that failed before the signal keeps its exit code 1.
#[test]
fn a_signal_in_an_exec_is_not_lost() {
    let mut clean = 0;
    for round in 0..100 {
        let mut service = unlimited("dirty", "1000000").start();
        service.line("run 2 ");
        let delay = Duration::from_micros(random() % 60_000);
        std::thread::sleep(delay);
        let signal = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP][round % 3];
        service.signal(signal);
        let output = service.wait();
        let text = format!("signal {signal} after {delay:?}: {}\n{}", output.stdout, output.stderr);
        if output.code == 1 {
            let runs = output.stdout.matches(" of its image").count();
            assert!(output.stderr.contains(&format!("run {runs} failed")), "{text}");
        } else {
            assert_eq!(output.code, 0, "{text}");
            assert_eq!(ledger::state(output.folder.path()), "clean", "{text}");
            clean += 1;
        }
    }
    assert!(clean > 0, "no signal came in an exec");
}

#[test]
fn an_inherited_ignore_of_sighup_stays() {
    let mut service = unlimited("dirty", "2");
    // SAFETY: `signal` is async-signal-safe.
    unsafe {
        service.command().pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Ok(())
        });
    }
    let mut service = service.start();
    service.line("run 3 ");
    let state = service.line("state 3");
    let ignored = u64::from_str_radix(word(&state, "ignored "), 16).expect("a mask");
    assert_eq!(ignored & 1, 1, "SIGHUP: {state}");
    assert_eq!(ignored >> (libc::SIGUSR1 - 1) & 1, 0, "ignored by the crashed image only: {state}");
    service.line("stays up");
    service.signal(libc::SIGHUP);
    // Twice the interval of the timer that the crashed images have left.
    std::thread::sleep(Duration::from_millis(100));
    assert!(service.is_alive());
    let output = terminated(service);
    assert!(output.stderr.contains("cause: SIGTERM"), "{}", output.stderr);
}

/// Deleted, or replaced by another program as an update in place does it: what runs is what goes on.
#[test]
fn a_changed_executable_file_does_not_matter() {
    for replaced in [false, true] {
        let folder = std::sync::Arc::new(tempfile::tempdir().expect("a folder"));
        let path = folder.path().join("app");
        std::fs::copy(EXEC, &path).expect("copied");
        let mut service = Service::inside(path.to_str().expect("a path"), folder.clone())
            .arg("gone")
            .arg("2")
            .env("LIFECYCLE_RESTART_MODE", "exec")
            .start();
        let pid = service.pid();
        service.line("run 1 ");
        if replaced {
            let other = folder.path().join("other");
            std::fs::copy(env!("CARGO_BIN_EXE_nothing"), &other).expect("copied");
            std::fs::rename(&other, &path).expect("replaced");
        } else {
            std::fs::remove_file(&path).expect("removed");
        }
        std::fs::write(folder.path().join("go"), "").expect("written");
        for run in 2..=3 {
            service.line(&format!("run {run} of pid {pid}: 1 of its image"));
        }
        service.line("stays up");
        let output = terminated(service);
        assert_eq!(ledger::crashes(output.folder.path()), 2, "replaced: {replaced}");
    }
}

/// The fourth crash: the new image waits before its `init`, and a signal ends the wait.
#[test]
fn the_wait_is_that_of_the_new_image() {
    let mut service = service("crash", "1000").env("LIFECYCLE_RESTART_WAIT", "1m").start();
    let pid = service.pid();
    let waiting = service.line("waiting");
    assert!(waiting.contains("crash 4 within 5m"), "{waiting}");
    std::thread::sleep(Duration::from_millis(100));
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert_eq!(output.stderr.split("waiting").next().unwrap_or("").matches("init\n").count(), 4);
    assert_eq!(output.stdout.matches(&format!("of pid {pid}: 1 of its image")).count(), 4);
    assert_eq!(ledger::crashes(output.folder.path()), 4);
}

#[test]
fn without_a_durable_ledger_main_runs_again_in_the_same_image() {
    let mut service = unlimited("crash", "2").env("LIFECYCLE_RESTART_FILE", "/dev/null").start();
    service.line("3 of its image");
    let output = terminated(service);
    assert_eq!(output.stderr.matches("re-exec failed").count(), 1, "{}", output.stderr);
    assert_eq!(output.stderr.matches("init\n").count(), 1);
}

#[test]
fn a_thousand_restarts_leak_nothing() {
    let mut service = unlimited("dirty", "1000").env("DESCRIPTORS", "1").start();
    let pid = service.pid();
    let mut state = |run: u64| {
        let line = service.line(&format!("state {run}:"));
        let number = |key| word(&line, key).parse::<u64>().expect("a number");
        (number("descriptors "), number("rss "))
    };
    let early = state(50);
    // In pieces, each of which has a minute.
    let late = (100..=1000).step_by(100).map(state).last().expect("the thousandth");
    assert_eq!(early.0, late.0, "descriptors");
    // Images are placed at random: pages more or less, but nothing that grows.
    assert!(late.1 < early.1 + early.1 / 4, "rss in kB: {} at 50, {} at 1000", early.1, late.1);
    service.line(&format!("run 1001 of pid {pid}: 1 of its image"));
    let _ = terminated(service);
}

fn frozen(times: &str) -> Service {
    let service = service("frozen", times).env("LIFECYCLE_RESTART_MODE", "task");
    service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "500ms").env("LIFECYCLE_WATCHDOG_STARTUP", "500ms")
}

#[test]
fn a_hang_is_answered_by_a_new_image() {
    let mut service = frozen("2").env("LIFECYCLE_WATCHDOG_ON_HANG", "exec").start();
    let pid = service.pid();
    for run in 1..=3 {
        service.line(&format!("run {run} of pid {pid}: 1 of its image"));
    }
    service.line("stays up");
    let output = terminated(service);
    assert_eq!(output.stderr.matches("CRITICAL").count(), 2, "{}", output.stderr);
    let ledger = ledger::read(output.folder.path());
    let cause = |index: usize| ledger["crashes"][index]["cause"].as_str().unwrap_or_default().to_owned();
    assert!(cause(0).contains("hang") && cause(1).contains("hang"), "{ledger}");
    assert_eq!(ledger::crashes(output.folder.path()), 2, "each once: {ledger}");
}

#[test]
fn a_hang_that_nobody_would_remember_is_an_exit() {
    let memory =
        frozen("1").env("LIFECYCLE_WATCHDOG_ON_HANG", "exec").env("LIFECYCLE_RESTART_FILE", "/dev/null");
    for service in [memory, frozen("1")] {
        let output = service.run().expect_code(1);
        assert_eq!(output.stdout.matches("run ").count(), 1, "{}", output.stdout);
    }
}

/// A configuration that cannot work is refused before anything is started.
#[test]
fn what_cannot_work_is_refused() {
    for (variables, says) in [
        (
            [("LIFECYCLE_WATCHDOG_ON_HANG", "exec"), ("LIFECYCLE_RESTART", "off")],
            "LIFECYCLE_WATCHDOG_ON_HANG=exec: without restarts",
        ),
        (
            [("LIFECYCLE_RESTART_MODE", "fork"), ("LIFECYCLE_RESTART", "on")],
            "LIFECYCLE_RESTART_MODE=fork: must be \"task\" or \"exec\"",
        ),
        (
            [("LIFECYCLE_RESTART_STORE", "http://bot:secret@cache"), ("LIFECYCLE_RESTART", "on")],
            "LIFECYCLE_RESTART_STORE=http://bot:***@cache: must be the URL of a Redis",
        ),
    ] {
        let service =
            variables.iter().fold(Service::new(EXEC), |service, (name, value)| service.env(name, value));
        let output = service.arg("crash").run().expect_code(78);
        assert!(output.stderr.contains(says), "{}", output.stderr);
        assert!(!output.stderr.contains("secret") && output.stdout.is_empty(), "{}", output.stderr);
    }
}
