//! Requests that a stop waits for: answered, cut and named.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use lifecycle_tests::{Output, Running, Service};

struct Server {
    service: Running,
    port: u16,
}

fn server(scenario: &str, drain: &str) -> Server {
    let service = Service::new(env!("CARGO_BIN_EXE_in_flight")).arg(scenario);
    let mut service = service.env("LIFECYCLE_RESTART", "off").env("LIFECYCLE_DRAIN", drain).start();
    let line = service.line("port ");
    let port = line.trim_start_matches("port ").parse().expect("a port");
    Server { service, port }
}

impl Server {
    fn ask(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        write!(stream, "GET {path}?token=secret HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        stream
    }

    /// Asks, and waits until the body has begun.
    fn ask_for_stream(&self, path: &str) -> (TcpStream, String) {
        let mut stream = self.ask(path);
        let (mut text, mut byte) = (String::new(), [0]);
        while text.split_once("\r\n\r\n").is_none_or(|(_, body)| body.is_empty()) {
            stream.read_exact(&mut byte).expect("it goes on");
            text.push(char::from(byte[0]));
        }
        (stream, text)
    }

    fn stop(self) -> Output {
        self.service.signal(libc::SIGTERM);
        self.service.wait()
    }
}

/// What comes until the connection is closed, in whatever way; of much only the end.
fn rest(mut stream: TcpStream) -> String {
    const MUCH: usize = 1 << 20;
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => text.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("neither closed nor reset: {error}"),
        }
        if text.len() > MUCH {
            text.drain(..MUCH / 2);
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The last chunk of a body in chunks, which says that it is whole.
const WHOLE: &str = "0\r\n\r\n";

fn row<'a>(output: &'a Output, name: &str) -> &'a str {
    let row = output.stderr.lines().find(|line| line.contains(name) && line.contains(" old"));
    row.unwrap_or_else(|| panic!("no row of {name}: {}", output.stderr))
}

#[test]
fn a_request_that_is_under_way_is_answered_in_each_of_50_stops() {
    for scenario in ["graceful", "spawned"] {
        for round in 0..25 {
            let mut server = server(scenario, "10s");
            let stream = server.ask("/slow");
            server.service.line("called");
            let output = server.stop().expect_code(0);
            let answer = rest(stream);
            assert!(answer.ends_with("answered"), "{scenario} {round}: {answer:?}\n{}", output.stderr);
            assert!(answer.contains("connection: close"), "{scenario} {round}: {answer:?}");
            assert!(output.stdout.contains("saved"));
            assert!(output.stderr.contains("everything stopped: exit code 0"), "{}", output.stderr);
        }
    }
}

#[test]
fn before_a_stop_connections_are_kept() {
    let server = server("graceful", "10s");
    let mut stream = server.ask("/quick");
    let mut answer = String::new();
    while !answer.ends_with("answered") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("it goes on");
        answer.push(char::from(byte[0]));
    }
    assert!(!answer.contains("connection:"), "{answer}");
    let _output = server.stop().expect_code(0);
}

#[test]
fn an_endless_stream_ends_with_the_drain_and_is_named_with_its_age() {
    for scenario in ["graceful", "spawned"] {
        for path in ["/events", "/silent"] {
            let server = server(scenario, "500ms");
            let (stream, _) = server.ask_for_stream(path);
            let output = server.stop().expect_code(0);
            let rest = rest(stream);
            assert!(rest.ends_with(WHOLE), "{scenario} {path}: {rest:?}\n{}", output.stderr);
            let row = row(&output, &format!("GET {path}, "));
            assert!(row.contains("src/bin/in_flight.rs:"), "{row}");
            assert!(!output.stderr.contains("secret"), "{}", output.stderr);
            assert!(output.stdout.contains("saved"));
            assert!(output.took < Duration::from_secs(20), "{:?}", output.took);
        }
    }
}

#[test]
fn what_is_cut_off_does_not_look_whole() {
    for scenario in ["graceful", "spawned"] {
        for path in ["/endless", "/flood"] {
            let server = server(scenario, "500ms");
            let (stream, _) = server.ask_for_stream(path);
            let reader = std::thread::spawn(|| rest(stream));
            let output = server.stop().expect_code(0);
            let rest = reader.join().expect("read");
            assert!(!rest.ends_with(WHOLE), "{scenario} {path}");
            let _row = row(&output, &format!("GET {path}, "));
        }
    }
}

#[test]
fn a_download_that_ends_within_the_drain_is_whole() {
    for scenario in ["graceful", "spawned"] {
        let server = server(scenario, "20s");
        let (stream, _) = server.ask_for_stream("/download");
        let output = server.stop().expect_code(0);
        let rest = rest(stream);
        assert!(rest.contains("the end\n") && rest.ends_with(WHOLE), "{scenario}: {rest:?}");
        assert!(output.stderr.contains("everything stopped: exit code 0"), "{}", output.stderr);
    }
}

#[test]
fn a_drain_says_which_request_it_waits_for() {
    let server = server("spawned", "4s");
    let _stream = server.ask_for_stream("/silent");
    let output = server.stop().expect_code(0);
    let says = "waiting for 1 under way (oldest `GET /silent` at tests/src/bin/in_flight.rs:";
    assert!(output.stderr.contains(says), "{}", output.stderr);
}

#[test]
fn a_request_without_an_answer_is_named() {
    let mut server = server("spawned", "300ms");
    let stuck = server.ask("/stuck");
    server.service.line("called");
    let output = server.stop().expect_code(0);
    assert_eq!(rest(stuck), "");
    let _row = row(&output, "GET /stuck, ");
}

#[test]
fn a_header_of_the_services_own_stays() {
    let mut server = server("spawned", "10s");
    let stream = server.ask("/upgrade");
    server.service.line("called");
    let _output = server.stop().expect_code(0);
    let answer = rest(stream);
    assert!(answer.contains("connection: upgrade") && !answer.contains("close"), "{answer}");
}
