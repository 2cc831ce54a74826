//! Streams that are known to hold up a graceful stop, or to escape it: over within the drain, and named.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Running, Service};
use tokio_tungstenite::tungstenite::{Message, connect};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

/// Long enough that a stop that does not wait is told from one that does.
const DRAIN: Duration = Duration::from_millis(1500);

fn server(scenario: &str) -> (Running, u16) {
    let service = Service::new(env!("CARGO_BIN_EXE_streams")).arg(scenario);
    let mut service = service.env("LIFECYCLE_RESTART", "off").env("LIFECYCLE_DRAIN", "1500ms").start();
    let line = service.line("port ");
    let port = line.trim_start_matches("port ").parse().expect("a port");
    (service, port)
}

/// Stops it, and says how long that took.
fn stop(service: Running) -> (Output, Duration) {
    let begun = Instant::now();
    service.signal(libc::SIGTERM);
    (service.wait().expect_code(0), begun.elapsed())
}

/// Held up for the whole drain and not much longer, with the culprit in the report, and what comes after is done.
fn was_cut(output: &Output, took: Duration, culprit: &str) {
    assert!(took >= DRAIN && took < DRAIN * 4, "{took:?}\n{}", output.stderr);
    let row = output.stderr.lines().find(|line| line.contains(culprit) && line.contains(" old"));
    assert!(row.is_some(), "no row of {culprit}:\n{}", output.stderr);
    assert!(output.stdout.contains("saved"), "{}", output.stdout);
}

fn events(scenario: &str, path: &str) {
    let (service, port) = server(scenario);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    let mut text = [0; 4096];
    while !String::from_utf8_lossy(&text).contains("data: ") {
        assert!(stream.read(&mut text).expect("it goes on") > 0);
    }
    let (output, took) = stop(service);
    was_cut(&output, took, &format!("GET {path}, "));
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("ended, not reset");
    assert!(rest.ends_with("0\r\n\r\n"), "as if by itself, so that the client connects again: {rest:?}");
}

/// axum 2673: an event stream that waits for a channel blocks the graceful shutdown for ever.
#[test]
fn an_event_stream_that_waits_does_not_block_axum() {
    events("axum", "/pending");
}

/// hyper 2787: the server never stops while there is an open event stream.
#[test]
fn an_event_stream_without_an_end_does_not_block_hyper() {
    events("hyper", "/endless");
}

/// axum 3003: the graceful shutdown ignores the tasks of WebSockets. One that says goodbye is waited for, and not longer.
#[test]
fn a_websocket_is_waited_for() {
    let (mut service, port) = server("websocket");
    let (mut socket, _) = connect(format!("ws://127.0.0.1:{port}/socket")).expect("connected");
    service.line("connected");
    let (output, took) = stop(service);
    assert!(took < DRAIN, "{took:?}: it had said goodbye\n{}", output.stderr);
    assert!(output.stdout.contains("said goodbye\nsaved\n"), "{}", output.stdout);
    assert_eq!(socket.read().expect("read"), Message::text("the last price"));
    assert!(matches!(socket.read(), Ok(Message::Close(_))));
}

#[test]
fn a_websocket_that_does_not_end_is_named() {
    let (mut service, port) = server("websocket-stuck");
    let (_socket, _) = connect(format!("ws://127.0.0.1:{port}/socket")).expect("connected");
    service.line("connected");
    let (output, took) = stop(service);
    was_cut(&output, took, "WebSocket of a client, ");
}

/// grpc-rust 1820: a server stream holds up the shutdown of tonic for ever.
#[tokio::test]
async fn a_server_stream_does_not_block_tonic() {
    let (service, port) = server("tonic");
    let endpoint =
        tonic::transport::Endpoint::from_shared(format!("http://127.0.0.1:{port}")).expect("a URL");
    let mut client = HealthClient::new(endpoint.connect().await.expect("connected"));
    let request = || HealthCheckRequest { service: "orders".into() };
    let checked = client.check(request()).await.expect("answered").into_inner();
    assert_eq!(checked.status(), ServingStatus::Serving);
    let mut watched = client.watch(request()).await.expect("begun").into_inner();
    assert!(watched.message().await.expect("a first one").is_some());
    let stopped = tokio::task::spawn_blocking(|| stop(service));
    let ended = watched.message().await;
    let (output, took) = stopped.await.expect("stopped");
    was_cut(&output, took, "POST /grpc.health.v1.Health/Watch, ");
    assert!(ended.is_err(), "what was cut off does not look whole: {ended:?}");
    assert!(!output.stderr.contains("Health/Check"), "{}", output.stderr);
}
