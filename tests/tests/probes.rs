//! The feature `http`: what a platform is answered in every state, and what it cannot do to the service.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lifecycle_tests::http::Probes;
use lifecycle_tests::process::Held;
use lifecycle_tests::{Running, Service};

const PROBED: &str = env!("CARGO_BIN_EXE_probed");

fn service(scenario: &str) -> (Service, Probes) {
    let service = Service::new(PROBED).arg(scenario);
    let (probes, variable) = Probes::inside(service.folder().path());
    (service.env("LIFECYCLE_PROBES", variable), probes)
}

fn up(scenario: &str) -> (Running, Probes) {
    let (service, probes) = service(scenario);
    let mut service = service.start();
    service.line("up");
    (service, probes)
}

fn touch(service: &Running, file: &str) {
    std::fs::write(service.folder().join(file), "").expect("written");
}

/// Alive from the first moment to the last; ready only while it works.
#[test]
fn a_life_is_answered_truthfully() {
    let (service, probes) = service("life");
    let mut service = service.start();
    probes.wait_for("/livez", 200);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // To the end: whatever is answered is that it lives.
        let asked = scope.spawn(|| {
            let mut asked = 0;
            while !is_over.load(Relaxed) {
                match probes.try_get("/livez") {
                    Ok((200, _)) => asked += 1,
                    Ok(other) => panic!("{other:?}"),
                    // The end itself.
                    Err(_) => std::thread::sleep(Duration::from_millis(1)),
                }
            }
            asked
        });
        // While init runs longer than a main that counts as up, and while main starts.
        std::thread::sleep(Duration::from_millis(1200));
        assert_eq!(probes.get("/readyz"), (503, "not ready: starting\n".into()));
        touch(&service, "init");
        service.line("main");
        std::thread::sleep(Duration::from_millis(1200));
        assert_eq!(probes.get("/readyz"), (503, "not ready: starting\n".into()));
        assert_eq!(probes.get("/startupz").0, 503);
        touch(&service, "go");
        service.line("up");
        assert_eq!(probes.get("/readyz"), (200, "ready\n".into()));
        assert_eq!(probes.get("/startupz"), (200, "started\n".into()));
        service.signal(libc::SIGTERM);
        let took = probes.time_to("/readyz", 503);
        assert!(took < Duration::from_secs(1), "100 ms, and as much again as a busy machine needs: {took:?}");
        assert_eq!(probes.get("/readyz"), (503, "not ready: stopping\n".into()));
        assert_eq!(probes.get("/startupz").0, 200);
        touch(&service, "end");
        let _ = service.wait().expect_code(0);
        is_over.store(true, Relaxed);
        assert!(asked.join().expect("it lived") > 100);
    });
}

/// Without a word of its own it is ready a second after main has begun, however long `init` took.
#[test]
fn an_implied_readiness_counts_from_the_first_line_of_main() {
    let (service, probes) = service("life");
    let mut service = service.env("LIFECYCLE_READY", "implied").start();
    probes.wait_for("/livez", 200);
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(probes.get("/readyz").0, 503);
    touch(&service, "init");
    service.line("main");
    let took = probes.time_to("/readyz", 200);
    assert!(took > Duration::from_millis(500), "{took:?}");
    service.signal(libc::SIGTERM);
    touch(&service, "end");
    let _ = service.wait().expect_code(0);
}

#[test]
fn a_service_that_backs_off_is_live_and_not_ready() {
    let (service, probes) = service("crash");
    let mut service = service.env("LIFECYCLE_RESTART_MAX_CRASHES", "0").start();
    service.line("waiting");
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        // It is said a moment before it begins.
        let (status, why) = probes.get("/readyz");
        assert_eq!(status, 503);
        if why.starts_with("not ready: backing off for another ") {
            break;
        }
        assert!(Instant::now() < until, "{why}");
    }
    assert_eq!(probes.get("/livez").0, 200);
    assert_eq!(probes.get("/startupz").0, 200, "it was up");
    assert!(probes.get("/status").1.contains("\"backing_off\":{\"left_ms\":"));
    let metrics = probes.get("/metrics").1;
    assert!(metrics.contains("lifecycle_state{state=\"backing_off\"} 1"), "{metrics}");
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

/// Thousands of questions while nothing of the service runs: all answered, in bounded memory, and the age grows.
#[test]
fn a_frozen_runtime_holds_up_no_answer() {
    let (service, probes) = up("frozen");
    let age = || {
        let status: serde_json::Value = serde_json::from_str(&probes.get("/status").1).expect("JSON");
        let heartbeats = status["heartbeats"].as_array().expect("a list").clone();
        let runtime = heartbeats.into_iter().find(|heartbeat| heartbeat["name"] == "tokio runtime");
        runtime.expect("built in")["age_ms"].as_u64().expect("a number")
    };
    let (before, held) = (age(), Held::by(service.pid()));
    let begun = Instant::now();
    let mut stream = probes.connect().expect("it listens");
    for path in ["/livez", "/readyz", "/metrics"].iter().cycle().take(6000) {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).expect("it reads");
        let (head, _) = read_answer(&mut stream);
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{path}: {head}");
    }
    std::thread::sleep(Duration::from_millis(2500).saturating_sub(begun.elapsed()));
    assert!(age() > before, "the runtime stands still");
    let now = Held::by(service.pid());
    assert!(now.resident < held.resident + 8 * 1024, "{held:?} {now:?}");
    assert!(now.descriptors <= held.descriptors + 2, "{held:?} {now:?}");
}

/// The head, and the body of the length that it says.
fn read_answer(stream: &mut impl Read) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).expect("a body");
    (head, String::from_utf8(body).expect("text"))
}

/// In the moment between the verdict and the exit, which a hook that runs then prolongs.
#[test]
fn a_stale_heartbeat_is_not_live() {
    let (service, probes) = service("hang");
    let service =
        service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "700ms").env("LIFECYCLE_WATCHDOG_STARTUP", "700ms");
    let service = service.start();
    probes.wait_for("/livez", 200);
    probes.wait_for("/livez", 503);
    assert_eq!(service.wait().code, 1);
}

/// Whoever keeps connections open keeps nobody out, and costs a bounded number of descriptors.
#[test]
fn a_slow_client_holds_up_nobody() {
    let (service, probes) = up("serve");
    let mut slow = Vec::new();
    for turn in 0..400 {
        let mut stream = probes.connect().expect("it listens");
        // Half a request, or none.
        if turn % 2 == 0 {
            stream.write_all(b"GET /livez HTTP/1.1\r\nx-slow: ").expect("it reads");
        }
        slow.push(stream);
        if turn % 20 == 0 {
            assert_eq!(probes.get("/livez").0, 200, "beside {turn} slow ones");
        }
    }
    assert_eq!(probes.get("/readyz").0, 200);
    // Those that gave way are closed a moment later, and a thread of ours may have a file open just now.
    let look = |_| {
        std::thread::sleep(Duration::from_millis(10));
        Held::by(service.pid()).descriptors
    };
    let least = || (0..50).map(look).min().expect("fifty");
    let held = least();
    drop(slow);
    let without = least();
    assert!(held <= without + 66, "{held}, and {without} without them");
}

#[test]
fn what_is_no_probe_is_refused() {
    let (_service, probes) = up("serve");
    for (request, status) in [
        ("GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(), 404),
        ("POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(), 405),
        ("no request at all\r\n\r\n".to_owned(), 400),
        (format!("GET /livez HTTP/1.1\r\nx-large: {}\r\n\r\n", "x".repeat(20_000)), 431),
        (format!("GET /livez HTTP/1.1\r\n{}\r\n", "x-many: y\r\n".repeat(100)), 431),
        ("HEAD /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(), 200),
    ] {
        let answer = probes.send(&request).unwrap_or_else(|error| panic!("{request}: {error}"));
        assert_eq!(answer.0, status, "{request}");
    }
    assert_eq!(probes.send("HEAD /livez HTTP/1.0\r\n\r\n").expect("answered").1, "");
}

#[test]
fn status_metrics_and_a_page_are_served() {
    let (service, probes) = up("serve");
    let (status, text) = probes.get("/status");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((status, &json["state"], &json["ready"]), (200, &"running".into(), &true.into()));
    let metrics = probes.get("/metrics").1;
    for line in [
        "lifecycle_live 1",
        "lifecycle_ready 1",
        "lifecycle_runs_total 1",
        "lifecycle_components 1",
        "lifecycle_state{state=\"running\"} 1",
        "lifecycle_state{state=\"stopping\"} 0",
        "lifecycle_heartbeat_age_seconds{heartbeat=\"probed::tick\"",
        "# TYPE lifecycle_heartbeat_beats_total counter",
    ] {
        let found = metrics.lines().any(|found| found.replace(".0", "").starts_with(line));
        assert!(found, "no {line}\n{metrics}");
    }
    let (status, page) = probes.get("/");
    assert!(status == 200 && page.starts_with("<!doctype html>"));
    for foreign in ["http://", "https://", "src=", "@import", "innerHTML"] {
        assert!(!page.contains(foreign), "the page needs {foreign}");
    }
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

/// Nothing is started where probes could not be answered, and the text says what to change.
#[test]
fn a_wrong_address_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = listener.local_addr().expect("bound").to_string();
    for (address, says) in [
        ("8080", "must be an IP address and a port: write for example \"0.0.0.0:8080\""),
        ("unix:probes.sock", "must be an absolute path"),
        ("unix:/nowhere/probes.sock", "cannot listen there: No such file"),
        ("192.0.2.1:80", "cannot listen there"),
        (taken.as_str(), "cannot listen there: Address already in use"),
    ] {
        let output = Service::new(PROBED).arg("serve").env("LIFECYCLE_PROBES", address).run().expect_code(78);
        assert!(output.stderr.contains(&format!("LIFECYCLE_PROBES={address}: {says}")), "{}", output.stderr);
        assert!(output.stdout.is_empty() && !output.path(".restart_count").exists(), "{}", output.stdout);
    }
    drop(listener);
    let body = || Service::new(env!("CARGO_BIN_EXE_body")).arg("ok").env("LIFECYCLE_PROBES", "127.0.0.1:0");
    let output = body().run().expect_code(78);
    assert!(
        output.stderr.contains("one of two must be written: `ready = \"explicit\"`"),
        "{}",
        output.stderr
    );
    let _ = body().env("LIFECYCLE_READY", "implied").run().expect_code(0);
    let _ = body().env("LIFECYCLE_PROBES", "off").run().expect_code(0);
}

/// What a killed process has left behind is taken over; what another one listens on, or is no socket, is not.
#[test]
fn a_socket_of_a_killed_process_is_taken_over() {
    let (mut first, _) = up("serve");
    let folder = std::sync::Arc::new(tempfile::tempdir().expect("a folder"));
    let (probes, variable) = Probes::inside(folder.path());
    let start = || Service::inside(PROBED, folder.clone()).arg("serve").env("LIFECYCLE_PROBES", &variable);
    let mut killed = start().start();
    killed.line("up");
    let second = start().run().expect_code(78);
    assert!(second.stderr.contains("Address already in use"), "{}", second.stderr);
    killed.signal(libc::SIGKILL);
    let _ = killed.wait();
    let mut again = start().start();
    again.line("up");
    assert_eq!(probes.get("/livez").0, 200);
    again.signal(libc::SIGTERM);
    let _ = again.wait().expect_code(0);
    std::fs::remove_file(folder.path().join("probes")).expect("left behind");
    std::fs::write(folder.path().join("probes"), "mine").expect("written");
    let _ = start().run().expect_code(78);
    assert_eq!(std::fs::read_to_string(folder.path().join("probes")).expect("untouched"), "mine");
    assert!(first.is_alive());
}
