//! Read from `/proc`.

use std::fs::{File, read_to_string};
use std::io::Read;

pub(super) fn start_of(pid: u32) -> Option<u64> {
    start(&read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

pub(super) fn start_of_thread() -> Option<u64> {
    start(&read_to_string("/proc/thread-self/stat").ok()?)
}

/// Field 22, counted behind the name, which may hold spaces and parentheses. A zombie is not alive.
fn start(stat: &str) -> Option<u64> {
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

pub(super) fn exists(pid: u32) -> bool {
    start_of(pid).is_some()
}

pub(super) fn new_thread_id() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(1)
}

/// Whether a debugger single-steps us: then nothing is late. Allocates nothing.
pub(crate) fn is_debugged() -> bool {
    // Short paths are opened without allocation; the answer stands in the first half of the file.
    let mut status = [0; 1024];
    let read = File::open("/proc/self/status").and_then(|mut file| file.read(&mut status));
    let status = &status[..read.unwrap_or(0)];
    let tracer = status.split(|b| *b == b'\n').find_map(|line| line.strip_prefix(b"TracerPid:"));
    tracer.is_some_and(|pid| pid.trim_ascii() != b"0")
}
