//! Threads that sleep in a system call are read from outside: they do not notice a report.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use lifecycle_hang::{ReportKind, Request};

const REPORTS: usize = 10;

/// Longer than they take.
const LONG: Duration = Duration::from_secs(6);

fn report() -> String {
    let mut text = String::new();
    let request = Request { files: &[file!()], ..Request::new(ReportKind::Asked, &"sleepers:") };
    lifecycle_hang::write(&request, &mut text).expect("memory");
    text
}

fn errno() -> Option<i32> {
    std::io::Error::last_os_error().raw_os_error()
}

fn wait_in_poll(pipe: i32) -> Option<i32> {
    let mut poll = libc::pollfd { fd: pipe, events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid pollfd.
    if unsafe { libc::poll(&raw mut poll, 1, 60_000) } < 0 { errno() } else { None }
}

fn wait_in_epoll(pipe: i32) -> Option<i32> {
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
    // SAFETY: a valid event; the descriptors are ours.
    let waited = unsafe {
        let epoll = libc::epoll_create1(0);
        libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, pipe, &raw mut event);
        libc::epoll_wait(epoll, &raw mut event, 1, 60_000)
    };
    if waited < 0 { errno() } else { None }
}

fn wait_in_nanosleep(_: i32) -> Option<i32> {
    let time = libc::timespec { tv_sec: LONG.as_secs() as i64, tv_nsec: 0 };
    // SAFETY: a valid time.
    if unsafe { libc::nanosleep(&raw const time, std::ptr::null_mut()) } < 0 { errno() } else { None }
}

/// As clients of databases do: a socket with a timeout.
fn wait_in_recv(_: i32) -> Option<i32> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut client = TcpStream::connect(listener.local_addr().expect("bound")).expect("a connection");
    client.set_read_timeout(Some(LONG)).expect("a timeout");
    let error = client.read(&mut [0]).expect_err("nothing is sent");
    error.raw_os_error().filter(|code| *code != libc::EAGAIN)
}

fn start(wait: fn(i32) -> Option<i32>, pipe: i32) -> JoinHandle<Option<i32>> {
    spawn(move || std::hint::black_box(wait)(pipe))
}

fn pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    std::io::pipe().expect("two descriptors")
}

fn lock_for_ever(receiver: &Receiver<()>) {
    let _ = receiver.recv();
}

#[test]
fn their_system_calls_go_on_and_their_stacks_are_seen() {
    lifecycle_hang::prepare();
    let (reader, writer) = pipe();
    let descriptor = reader.as_raw_fd();
    let (sender, receiver) = channel();
    let waiter = spawn(move || lock_for_ever(&receiver));
    let waits = [wait_in_poll, wait_in_epoll, wait_in_nanosleep, wait_in_recv];
    let threads = waits.map(|wait| start(wait, descriptor));
    sleep(Duration::from_millis(300));
    let first = report();
    for name in ["wait_in_poll", "wait_in_epoll", "wait_in_recv", "lock_for_ever", "wait_in_nanosleep"] {
        let line =
            first.lines().find(|line| line.contains("    > ") && line.contains(&format!("::{name} at")));
        let line = line.unwrap_or_else(|| panic!("no frame of {name} in\n{first}"));
        assert!(line.contains("lifecycle-hang/tests/sleepers.rs:"), "{line}");
    }
    for word in ["guessed", "only so far", "broken"] {
        assert!(!first.contains(word), "{first}");
    }
    (1..REPORTS).for_each(|_| drop(report()));
    drop(writer);
    drop(sender);
    let errors = threads.map(|thread| thread.join().expect("no panic"));
    assert_eq!(errors, [None; 4], "poll, epoll_wait, nanosleep, recv with a timeout");
    waiter.join().expect("no panic");
}
