//! The feature `systemd`: what a service manager is told, by a socket that stands for it.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use lifecycle_tests::{Running, Service};

const NOTIFY: &str = env!("CARGO_BIN_EXE_notify");

/// No message comes later.
const PATIENCE: Duration = Duration::from_secs(30);

struct Manager(UnixDatagram);

impl Manager {
    fn new(service: &Service) -> Manager {
        Manager::at(UnixDatagram::bind(service.folder().path().join("notify")).expect("bound"))
    }

    fn at(socket: UnixDatagram) -> Manager {
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Manager(socket)
    }

    fn next(&self) -> String {
        let mut message = [0; 4096];
        let len = self.0.recv(&mut message).expect("a message in time");
        String::from_utf8(message[..len].to_vec()).expect("text")
    }

    /// The next message that has `text` in it; pings and others come in between.
    fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let message = self.next();
            if message.contains(text) {
                return message;
            }
            assert!(Instant::now() < until, "no {text}, but {message}");
        }
    }

    /// What is there now.
    fn rest(&self) -> Vec<String> {
        self.0.set_read_timeout(Some(Duration::from_millis(1))).expect("a socket");
        let mut messages = Vec::new();
        let mut message = [0; 4096];
        while let Ok(len) = self.0.recv(&mut message) {
            messages.push(String::from_utf8_lossy(&message[..len]).into_owned());
        }
        messages
    }
}

fn service(scenario: &str) -> Service {
    let service = Service::new(NOTIFY).arg(scenario);
    let path = service.folder().path().join("notify");
    service.env("NOTIFY_SOCKET", path)
}

/// The value of a line of a message.
fn value(message: &str, name: &str) -> u64 {
    let line = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name}: {message}"))
}

fn terminated(service: Running) -> lifecycle_tests::Output {
    service.signal(libc::SIGTERM);
    service.wait().expect_code(0)
}

#[test]
fn a_life_is_told_and_no_child_inherits_the_socket() {
    let service = service("serve").env("WATCHDOG_USEC", "60000000");
    let manager = Manager::new(&service);
    let mut service = service.start();
    service.line("a child is told []");
    assert_eq!(manager.wait_for("READY"), "READY=1\nSTATUS=running");
    let _ = terminated(service);
    let stopping = manager.wait_for("STOPPING");
    assert!(stopping.starts_with("STOPPING=1\nSTATUS=stopping: SIGTERM\n"), "{stopping}");
    let extended = value(&stopping, "EXTEND_TIMEOUT_USEC");
    assert!((20_000_000..=26_000_000).contains(&extended), "{stopping}");
    assert_eq!(manager.rest().iter().filter(|message| *message != "WATCHDOG=1").count(), 0);
}

#[test]
fn a_reload_is_told() {
    let service = service("serve");
    let manager = Manager::new(&service);
    let mut service = service.start();
    manager.wait_for("READY=1");
    for _ in 0..3 {
        service.signal(libc::SIGHUP);
        let reloading = manager.next();
        assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
        assert!(value(&reloading, "MONOTONIC_USEC") > 0);
        assert_eq!(manager.next(), "READY=1\nSTATUS=running");
        service.line("read again");
    }
    let _ = terminated(service);
}

#[test]
fn an_abstract_address_is_one_too() {
    let name = format!("lifecycle-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let manager = Manager::at(UnixDatagram::bind_addr(&address).expect("bound"));
    let service = Service::new(NOTIFY).arg("serve").env("NOTIFY_SOCKET", format!("@{name}")).start();
    manager.wait_for("READY=1");
    let _ = terminated(service);
    manager.wait_for("STOPPING=1");
}

#[test]
fn a_wrong_address_is_a_warning() {
    for (address, says) in [("/nowhere/at/all", "No such file"), ("vsock:2:1", "must be a path")] {
        let mut service = Service::new(NOTIFY).arg("serve").env("NOTIFY_SOCKET", address).start();
        service.line("up");
        let output = terminated(service);
        let warning = output.stderr.lines().find(|line| line.contains("NOTIFY_SOCKET=")).expect("a warning");
        assert!(warning.contains(address) && warning.contains(says), "{warning}");
    }
    let mut service = Service::new(NOTIFY).arg("serve").start();
    service.line("up");
    assert!(!terminated(service).stderr.contains("WARN"));
}

/// At half of the time that the manager allows; a hang is told as such.
#[test]
fn pings_come_while_every_heartbeat_is_fresh() {
    let service = service("hang").env("WATCHDOG_USEC", "200000");
    let service = service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "2s").env("LIFECYCLE_WATCHDOG_STARTUP", "2s");
    let manager = Manager::new(&service);
    let service = service.start();
    manager.wait_for("READY=1");
    for _ in 0..5 {
        manager.wait_for("WATCHDOG=1");
    }
    // Read all the while: the queue is short.
    manager.wait_for("WATCHDOG=trigger");
    let output = service.wait().expect_code(1);
    assert!(output.stderr.contains("CRITICAL"), "{}", output.stderr);
    assert_eq!(manager.rest(), [""; 0], "the last word");
}

/// Somebody else's watchdog, or none: no ping, and no trigger.
#[test]
fn pings_for_another_process_are_not_sent() {
    for variable in [("WATCHDOG_PID", "1"), ("WATCHDOG_USEC", "0")] {
        let service = service("hang").env("WATCHDOG_USEC", "20000").env(variable.0, variable.1);
        let service = service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "500ms");
        let manager = Manager::new(&service);
        let _ = service.start().wait().expect_code(1);
        let told = manager.rest();
        assert_eq!(told, ["READY=1\nSTATUS=running"], "{variable:?}");
    }
}

/// The wait is told, the start gets more time, and pings go on although no heartbeat beats.
#[test]
fn a_wait_is_told() {
    let service = service("crash").env("WATCHDOG_USEC", "100000").env("LIFECYCLE_RESTART_MAX_CRASHES", "0");
    let service = service.env("LIFECYCLE_RESTART_WAIT", "3s");
    let manager = Manager::new(&service);
    let service = service.start();
    manager.wait_for("READY=1");
    let restarting = manager.wait_for("STATUS=restarting");
    assert!(restarting.starts_with("STATUS=restarting: main failed: \"no\\nluck\"\nEXTEND"), "{restarting}");
    let waiting = manager.wait_for("STATUS=backing off: main runs again in 3s");
    assert!(value(&waiting, "EXTEND_TIMEOUT_USEC") >= 93_000_000, "{waiting}");
    for _ in 0..10 {
        assert_eq!(manager.next(), "WATCHDOG=1");
    }
    manager.wait_for("READY=1");
    service.signal(libc::SIGTERM);
    let _ = service.wait();
}

#[test]
fn a_re_exec_hands_the_socket_on() {
    let service = service("crash").env("WATCHDOG_USEC", "100000").env("LIFECYCLE_RESTART_MODE", "exec");
    let manager = Manager::new(&service);
    let mut service = service.start();
    let pid = service.pid();
    for _ in 0..3 {
        service.line("a child is told []");
        service.line(&format!("up, pid {pid}"));
        manager.wait_for("READY=1");
        manager.wait_for("WATCHDOG=1");
    }
    service.signal(libc::SIGTERM);
    let _ = service.wait();
}

/// Nobody takes the messages: the service starts, pings and stops all the same.
#[test]
fn a_manager_that_does_not_read_holds_up_nobody() {
    let service = service("serve").env("WATCHDOG_USEC", "20000");
    let manager = Manager::new(&service);
    let mut service = service.start();
    service.line("up");
    // The queue of a datagram socket is short: 10 messages, or 512.
    std::thread::sleep(Duration::from_secs(6));
    let output = terminated(service);
    assert!(output.stdout.contains("flushed"));
    assert!(manager.rest().len() >= 10);
}
