//! What the kernel says about a process, by `/proc`.

use std::fs::{read_dir, read_to_string};

/// What a report may leave behind if it is careless.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Open file descriptors.
    pub descriptors: usize,
    /// Mappings of memory.
    pub mappings: usize,
    /// Resident memory in KiB, shared memory included.
    pub resident: usize,
    /// Threads.
    pub threads: usize,
}

impl Held {
    /// What `pid` holds now.
    ///
    /// # Panics
    /// If there is no such process.
    #[must_use]
    pub fn by(pid: u32) -> Held {
        let resident = status(pid, "VmRSS");
        Held {
            descriptors: read_dir(format!("/proc/{pid}/fd")).expect("it lives").count(),
            mappings: read_to_string(format!("/proc/{pid}/maps")).expect("it lives").lines().count(),
            resident: resident.trim_end_matches(" kB").parse().expect("a number"),
            threads: thread_names(pid).len(),
        }
    }
}

/// A line of `/proc/PID/status`.
///
/// # Panics
/// If there is no such process or line.
#[must_use]
pub fn status(pid: u32, name: &str) -> String {
    let status = read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.expect("a line that every kernel has").trim().to_owned()
}

/// The signals that it has handlers for.
///
/// # Panics
/// If there is no such process.
#[must_use]
pub fn caught_signals(pid: u32) -> Vec<libc::c_int> {
    let caught = u64::from_str_radix(&status(pid, "SigCgt"), 16).expect("a mask");
    (1..=64).filter(|signal| caught >> (signal - 1) & 1 == 1).collect()
}

/// The names of its threads, sorted; the kernel keeps 15 bytes of each.
///
/// # Panics
/// If there is no such process.
#[must_use]
pub fn thread_names(pid: u32) -> Vec<String> {
    let threads = read_dir(format!("/proc/{pid}/task")).expect("it lives").flatten();
    // A thread may end between the two.
    let name = |thread: std::fs::DirEntry| read_to_string(thread.path().join("comm")).ok();
    let mut names: Vec<String> = threads.filter_map(name).map(|name| name.trim_end().to_owned()).collect();
    names.sort();
    names
}

/// The signals that wait for threads which block them, as a mask.
///
/// # Panics
/// If the process is gone.
#[must_use]
pub fn pending_signals(pid: u32) -> u64 {
    let threads = read_dir(format!("/proc/{pid}/task")).expect("it lives").flatten();
    let statuses = threads.filter_map(|thread| read_to_string(thread.path().join("status")).ok());
    let pending = statuses.filter_map(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("SigPnd:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    });
    pending.fold(0, |all, one| all | one)
}

/// The processes that a process has started and that live.
///
/// # Panics
/// If the process is gone.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let threads = read_dir(format!("/proc/{pid}/task")).expect("it lives").flatten();
    let lists = threads.filter_map(|thread| read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}
