//! `listen`: connections while a service crashes, hangs and waits, and sockets that systemd has passed.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use lifecycle_tests::activation;
use lifecycle_tests::load::{ask, load};
use lifecycle_tests::process::Held;
use lifecycle_tests::{Output, Running, Service};

const SOCKETS: &str = env!("CARGO_BIN_EXE_sockets");

fn service(how: &str, answers: u64, runs: u64) -> Service {
    let service = Service::new(SOCKETS).arg(how).arg(answers.to_string()).arg(runs.to_string());
    service.arg("127.0.0.1:0").env("LIFECYCLE_RESTART_MAX_CRASHES", "100000")
}

fn exec(service: Service) -> Service {
    service.env("LIFECYCLE_RESTART_MODE", "exec").env("LIFECYCLE_WATCHDOG_ON_HANG", "exec")
}

/// Where it says that it listens, and the number of the run.
fn address(line: &str) -> SocketAddr {
    let word = line.rsplit_once(" at ").and_then(|(_, address)| address.parse().ok());
    word.unwrap_or_else(|| panic!("an address at the end of {line:?}"))
}

fn terminated(service: Running) -> Output {
    service.signal(libc::SIGTERM);
    service.wait().expect_code(0)
}

fn runs(output: &Output) -> usize {
    std::fs::read(output.path("runs")).expect("written by each run").len()
}

/// 300 connections a second over so many restarts: each is answered.
fn nothing_is_lost(service: Service, restarts: u64, total: u64) {
    let mut service = service.start();
    let address = address(&service.line("run 1 of"));
    let outcomes = load(address, 300, total);
    let output = terminated(service);
    assert_eq!(outcomes.counts(), [total, 0, 0, 0], "answered, refused, reset, else\n{}", output.stderr);
    assert!(runs(&output) as u64 > restarts, "{} runs", runs(&output));
    assert!(!output.stdout.contains(" has 1 sockets"), "a child inherits it:\n{}", output.stdout);
    assert!(!output.stderr.contains("bound anew"), "{}", output.stderr);
}

#[test]
fn no_connection_is_lost_in_a_crash() {
    nothing_is_lost(service("crash", 30, 40), 40, 1500);
}

#[test]
fn no_connection_is_lost_in_a_re_exec() {
    nothing_is_lost(exec(service("crash", 30, 40)), 40, 1500);
}

#[test]
fn no_connection_is_lost_in_a_hang() {
    let hangs = exec(service("hang", 100, 4)).env("LIFECYCLE_WATCHDOG_TIMEOUT", "500ms");
    nothing_is_lost(hangs.env("LIFECYCLE_WATCHDOG_STARTUP", "500ms"), 4, 900);
}

/// With a panic, a name and a second socket.
#[test]
fn every_socket_of_a_service_is_kept_under_its_name() {
    for service in [service("panic", 1, 3), exec(service("panic", 1, 3))] {
        let mut service = service.env("NAME", "a;b=c, d").env("MORE", "127.0.0.1:0").start();
        let also = address(&service.line("run 1 also at"));
        let first = address(&service.line("run 1 of"));
        let status = service.line("listens on");
        assert!(
            status.contains(&format!("{first} (a;b=c, d)")) && status.contains(&also.to_string()),
            "{status}"
        );
        for run in 2..=4 {
            assert!(ask(first).expect("answered").starts_with("run"));
            assert_eq!(address(&service.line(&format!("run {run} also at"))), also);
            assert_eq!(address(&service.line(&format!("run {run} of"))), first);
        }
        let output = terminated(service);
        assert!(!output.stderr.contains("WARN lifecycle: the socket"), "{}", output.stderr);
    }
}

/// Clients are to fail over, and the next run gets the same address.
#[test]
fn a_wait_closes_the_socket() {
    for mode in ["task", "exec"] {
        let service = service("crash", 1, 2).env("LIFECYCLE_RESTART_MAX_CRASHES", "1");
        let mut service =
            service.env("LIFECYCLE_RESTART_MODE", mode).env("LIFECYCLE_RESTART_WAIT", "1500ms").start();
        let address = address(&service.line("run 1 of"));
        for run in 1..=2 {
            assert!(ask(address).expect("answered").starts_with(&format!("run {run}")));
        }
        service.line("waiting");
        let until = Instant::now() + Duration::from_secs(1);
        while ask(address).is_ok() && Instant::now() < until {}
        let refused = ask(address).expect_err("nobody listens");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused, "{refused}");
        service.line("run 3 of");
        let _ = terminated(service);
    }
}

/// What the service closes is closed: nothing of ours holds connections that nobody will answer.
#[test]
fn a_stop_closes_the_socket() {
    let service = service("crash", 1, 0);
    let mut service = service.start();
    let address = address(&service.line("run 1 of"));
    assert!(ask(address).is_ok());
    let output = terminated(service);
    assert_eq!(ask(address).expect_err("it is gone").kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(runs(&output), 1);
}

/// A configuration that has changed: one warning, and the new address.
#[test]
fn an_address_that_has_changed_is_bound_anew() {
    for service in [service("crash", 1, 1), exec(service("crash", 1, 1))] {
        let mut service = service.env("NAME", "api").start();
        let old = address(&service.line("run 1 of"));
        std::fs::write(service.folder().join("address"), "[::1]:0").expect("written");
        assert!(ask(old).is_ok());
        let new = address(&service.line("run 2 of"));
        assert!(new.is_ipv6() && ask(new).expect("answered").starts_with("run 2"));
        assert_eq!(ask(old).expect_err("closed").kind(), std::io::ErrorKind::ConnectionRefused);
        let output = terminated(service);
        assert_eq!(
            output.stderr.matches("is bound anew: asked for is [::1]:0").count(),
            1,
            "{}",
            output.stderr
        );
    }
}

/// A run that is up and has not asked for it: nobody would answer.
#[test]
fn a_socket_that_a_run_does_not_ask_for_is_closed() {
    let mut service = service("crash", 1, 1).env("LATE", "1").start();
    let address = address(&service.line("run 1 of"));
    assert!(ask(address).is_ok());
    let warning = service.line("does not listen on it any more");
    assert!(warning.contains(&address.to_string()), "{warning}");
    assert_eq!(ask(address).expect_err("closed").kind(), std::io::ErrorKind::ConnectionRefused);
    let _ = terminated(service);
}

/// An environment that lies, or that is another process's, costs a warning at most.
#[test]
fn a_wrong_hand_over_is_bound_anew() {
    let variable = "export LIFECYCLE_SOCKETS=\"$$;9=127.0.0.1:1\"; exec \"$0\" \"$@\"";
    let foreign =
        "export LIFECYCLE_SOCKETS=\"1;9=127.0.0.1:1\" LISTEN_FDS=1 LISTEN_PID=1; exec \"$0\" \"$@\"";
    let missing = "export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" \"$@\"";
    for (script, warning) in [
        (variable, "LIFECYCLE_SOCKETS: descriptor 9 is no listening socket"),
        (missing, "LISTEN_FDS: descriptor 3 is not open"),
        (foreign, ""),
    ] {
        let service = Service::new("/bin/sh").args(["-c", script, SOCKETS, "crash", "1", "0", "127.0.0.1:0"]);
        let mut service = service.start();
        let address = address(&service.line("run 1 of"));
        assert!(ask(address).is_ok());
        let output = terminated(service);
        let warnings: Vec<&str> = output.stderr.lines().filter(|line| line.contains("WARN")).collect();
        assert_eq!(warnings.len(), usize::from(!warning.is_empty()), "{}", output.stderr);
        assert!(output.stderr.contains(warning), "{}", output.stderr);
    }
}

#[test]
fn two_hundred_restarts_leak_no_descriptor() {
    for service in [service("crash", 1, 200), exec(service("crash", 1, 200))] {
        let mut service = service.start();
        let pid = service.pid();
        let address = address(&service.line("run 1 of"));
        let mut held = Vec::new();
        for run in 1..=200 {
            assert!(ask(address).expect("answered").starts_with(&format!("run {run} ")));
            if [10, 200].contains(&run) {
                service.line(&format!("run {} of", run + 1));
                service.line("heartbeat");
                // A thread of ours may have a file open just now.
                held.push((0..20).map(|_| Held::by(pid).descriptors).min());
            }
        }
        assert_eq!(held[0], held[1], "descriptors after 10 and 200 restarts");
        let _ = terminated(service);
    }
}

fn activated(listeners: &[&TcpListener], names: &str, args: [&str; 4]) -> Service {
    let sockets: Vec<_> = listeners.iter().map(|listener| listener.as_fd()).collect();
    let service = activation::activated(SOCKETS, &sockets, names).args(args);
    service.env("LIFECYCLE_RESTART_MAX_CRASHES", "1").env("LIFECYCLE_RESTART_WAIT", "300ms")
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

/// The unit's file decides on the address; systemd holds the socket, also in a wait.
#[test]
fn a_socket_of_systemd_is_used_in_each_run() {
    for mode in ["task", "exec"] {
        for (name, names) in [("", ""), ("web", "other:web"), ("", "app.socket:web")] {
            let ((other, _), (web, web_address)) = (listener(), listener());
            let passed = if names.starts_with("other") { vec![&other, &web] } else { vec![&web, &other] };
            let mut service = activated(&passed, names, ["crash", "1", "4", "127.0.0.1:0"]);
            if !name.is_empty() {
                service = service.env("NAME", name);
            }
            let service = service.env("LIFECYCLE_RESTART_MODE", mode).start();
            for run in 1..=5 {
                assert!(ask(web_address).expect("never refused").starts_with(&format!("run {run} ")));
            }
            let output = terminated(service);
            assert_eq!(
                output.stdout.matches(&format!(" at {web_address}\n")).count(),
                5,
                "{}",
                output.stdout
            );
            assert!(
                output.stderr.contains("waiting") && !output.stderr.contains("bound anew"),
                "{}",
                output.stderr
            );
        }
    }
}

/// The address comes before the order.
#[test]
fn a_socket_of_systemd_is_found_by_its_address() {
    let ((first, _), (second, address)) = (listener(), listener());
    let mut service = activated(&[&first, &second], "", ["crash", "1", "1", &address.to_string()]).start();
    for run in 1..=2 {
        assert!(ask(address).expect("answered").starts_with(&format!("run {run} ")));
    }
    service.line("run 2 of");
    let _ = terminated(service);
}

/// `LISTEN_FDS`, `LISTEN_PID` and descriptor 3 stay true in the next image, although the service has closed its own.
#[test]
fn a_service_that_takes_systemds_socket_itself_finds_it_after_a_re_exec() {
    let (web, address) = listener();
    let service = activated(&[&web], "web", ["crash", "1", "6", "127.0.0.1:0"]).env("LISTEN", "itself");
    let mut service = service.env("LIFECYCLE_RESTART_MODE", "exec").start();
    for run in 1..=7 {
        assert!(ask(address).expect("never refused").starts_with(&format!("run {run} ")));
    }
    service.line("run 7 of");
    let _ = terminated(service);
}

#[tokio::test]
async fn options_reach_the_socket() {
    // Whether IPv4 has the same port free says what `[::]` took.
    for (only_v6, is_free) in [(true, true), (false, false)] {
        let listener =
            lifecycle::ListenOptions::new().only_v6(only_v6).listen("[::]:0").await.expect("bound");
        let port = listener.local_addr().expect("bound").port();
        assert_eq!(TcpListener::bind(("0.0.0.0", port)).is_ok(), is_free, "only_v6({only_v6})");
    }
    // Nobody accepts: as many connect as fit into the backlog.
    for (backlog, fit) in [(2, false), (64, true)] {
        let listener =
            lifecycle::ListenOptions::new().backlog(backlog).listen("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("bound");
        let connect = |_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300));
        let connected: Result<Vec<_>, _> = (0..16).map(connect).collect();
        assert_eq!(connected.is_ok(), fit, "backlog {backlog}");
    }
}
