//! The threads of this process, as `/proc/self/task` lists them. May be called while the process is broken: nothing here
//! allocates or takes a lock.

use std::ffi::c_int;
use std::os::fd::AsRawFd;

use crate::procfs::{self, File};

/// Large enough for a hundred entries at once; there may be any number.
const BUFFER: usize = 4096;

/// Offsets in a `linux_dirent64`: inode, offset, length of the record, type, name.
const LENGTH: usize = 16;
const NAME: usize = 19;

/// Aligned as the kernel writes it.
#[repr(align(8))]
struct Buffer([u8; BUFFER]);

/// Calls `f` with the number of each thread of this process, in the order of their start.
///
/// ```
/// let mut threads = Vec::new();
/// lifecycle_os::threads::for_each(|thread| threads.push(thread));
/// assert!(threads.contains(&lifecycle_os::process::thread_id()));
/// ```
pub fn for_each(mut f: impl FnMut(u32)) {
    let Some(folder) = File::open(format_args!("/proc/self/task"), libc::O_RDONLY | libc::O_DIRECTORY) else {
        return;
    };
    let mut buffer = Buffer([0; BUFFER]);
    loop {
        // SAFETY: the buffer is writable, and as long as is said.
        let filled =
            unsafe { libc::syscall(libc::SYS_getdents64, folder.as_raw_fd(), buffer.0.as_mut_ptr(), BUFFER) };
        match usize::try_from(filled).ok().and_then(|filled| buffer.0.get(..filled)) {
            None | Some([]) => return,
            Some(entries) => names(entries).filter_map(number).for_each(&mut f),
        }
    }
}

fn names(mut entries: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = u16::from_ne_bytes(entries.get(LENGTH..LENGTH + 2)?.try_into().ok()?);
        let (entry, rest) = entries.split_at_checked(usize::from(length).max(NAME))?;
        entries = rest;
        entry[NAME..].split(|byte| *byte == 0).next()
    })
}

fn number(name: &[u8]) -> Option<u32> {
    std::str::from_utf8(name).ok()?.parse().ok()
}

/// Whether the thread has not ended yet.
#[must_use]
pub fn exists(thread: u32) -> bool {
    File::open(format_args!("/proc/self/task/{thread}/stat"), libc::O_RDONLY).is_some()
}

/// The signals that a thread blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blocked(u64);

impl Blocked {
    /// None, if the kernel does not say.
    #[must_use]
    pub fn by(thread: u32) -> Blocked {
        let mut status = [0; BUFFER];
        let status = procfs::read(format_args!("/proc/self/task/{thread}/status"), &mut status);
        let mask = procfs::field(status, "SigBlk:").and_then(|mask| u64::from_str_radix(mask, 16).ok());
        Blocked(mask.unwrap_or(0))
    }

    /// Whether `signal` is one of them.
    #[must_use]
    pub fn has(self, signal: c_int) -> bool {
        self.0 >> (signal - 1) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_apart() {
        let record = |name: &[u8], length: u16| {
            let mut record = vec![0; usize::from(length)];
            record[LENGTH..NAME - 1].copy_from_slice(&length.to_ne_bytes());
            record[NAME..NAME + name.len()].copy_from_slice(name);
            record
        };
        let entries = [record(b".", 24), record(b"..", 24), record(b"1234567", 32)].concat();
        let read: Vec<_> = names(&entries).collect();
        assert_eq!(read, [&b"."[..], b"..", b"1234567"]);
        assert_eq!(read.into_iter().filter_map(number).collect::<Vec<_>>(), [1_234_567]);
        assert_eq!(names(&entries[..60]).count(), 2, "a record that was cut");
    }

    #[test]
    fn a_blocked_signal_is_seen() {
        let own = crate::process::thread_id();
        let set = crate::sigaction::set_of(&[libc::SIGUSR2]);
        let before = crate::sigaction::change_mask(libc::SIG_BLOCK, &set);
        let blocked = Blocked::by(own);
        crate::sigaction::change_mask(libc::SIG_SETMASK, &before);
        assert!(blocked.has(libc::SIGUSR2) && !blocked.has(libc::SIGUSR1));
        assert!(exists(own) && !exists(u32::MAX));
    }
}
