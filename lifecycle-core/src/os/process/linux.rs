//! Read from `/proc`.

use std::fs::read_to_string;

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
