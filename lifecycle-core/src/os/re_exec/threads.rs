//! The other threads, kept from taking a stop signal while the process's image is replaced.
//!
//! A signal that a thread has taken is gone with the thread: `execve` ends it before its handler's first line. So each
//! is parked in the handler first, where all of them are blocked. Nothing here allocates or takes a lock.

use std::time::{Duration, Instant};

/// A thread that hangs in the kernel is not waited for any longer.
const PATIENCE: Duration = Duration::from_millis(100);

const POLL_INTERVAL: Duration = Duration::from_micros(200);

/// Returns once no other thread takes a stop signal any more, and what was taken before is counted. Signals are held.
pub(super) fn park() {
    let until = Instant::now() + PATIENCE;
    // Again and again: one that runs still may start another. To those that are parked it changes nothing.
    while imp::interrupt_others() > crate::os::signal::hold::parked() && Instant::now() < until {
        std::thread::sleep(POLL_INTERVAL);
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::ffi::{c_int, c_long};

    /// Large enough for a hundred entries at once; there may be any number.
    const BUFFER: usize = 4096;

    /// A `linux_dirent64`: inode, offset, length of the record, type, name.
    const LENGTH: usize = 16;
    const NAME: usize = 19;

    /// What a thread blocks that takes no signal at all. Our handler's own mask has no SIGSEGV.
    const DEAF: [c_int; 5] = [libc::SIGSEGV, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT];

    /// Not in anybody's full set: glibc and musl block it, too, only for the moment in which they start a thread.
    const LIBC_OWN: c_int = 33;

    /// Aligned as the kernel writes it.
    #[repr(align(8))]
    struct Buffer([u8; BUFFER]);

    /// Sends SIGQUIT to each thread that may take a signal, but not to this one; returns how many there are.
    pub(super) fn interrupt_others() -> usize {
        // SAFETY: a string that ends in zero; the descriptor is closed below.
        let folder = unsafe {
            libc::open(c"/proc/self/task".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC)
        };
        if folder < 0 {
            return 0;
        }
        let mut others = 0;
        let mut buffer = Buffer([0; BUFFER]);
        loop {
            // SAFETY: the buffer is writable, and as long as is said.
            let filled =
                unsafe { libc::syscall(libc::SYS_getdents64, folder, buffer.0.as_mut_ptr(), BUFFER) };
            let Some(entries) = usize::try_from(filled).ok().and_then(|filled| buffer.0.get(..filled)) else {
                break;
            };
            if entries.is_empty() {
                break;
            }
            let hearing = names(entries).filter(|name| !is_deaf(folder, name));
            others += hearing.filter_map(thread).filter(|thread| interrupt(*thread)).count();
        }
        // SAFETY: ours, opened above.
        unsafe { libc::close(folder) };
        others
    }

    fn names(mut entries: &[u8]) -> impl Iterator<Item = &[u8]> {
        std::iter::from_fn(move || {
            let length = u16::from_ne_bytes(entries.get(LENGTH..LENGTH + 2)?.try_into().ok()?);
            let (entry, rest) = entries.split_at_checked(usize::from(length).max(NAME))?;
            entries = rest;
            entry[NAME..].split(|byte| *byte == 0).next()
        })
    }

    fn thread(name: &[u8]) -> Option<c_int> {
        std::str::from_utf8(name).ok()?.parse().ok()
    }

    /// Whether it has blocked everything, as libraries do in threads of their own: it cannot be parked, nor need be.
    fn is_deaf(folder: c_int, name: &[u8]) -> bool {
        const FILE: &[u8] = b"/status\0";
        let mut path = [0; 32];
        let length = name.len() + FILE.len();
        if length > path.len() {
            return false;
        }
        path[..name.len()].copy_from_slice(name);
        path[name.len()..length].copy_from_slice(FILE);
        let mut status = [0_u8; BUFFER];
        // SAFETY: a string that ends in zero; the buffer is writable, and as long as is said; the descriptor is ours.
        let read = unsafe {
            let file = libc::openat(folder, path.as_ptr().cast(), libc::O_RDONLY | libc::O_CLOEXEC);
            let read = libc::read(file, status.as_mut_ptr().cast(), BUFFER);
            libc::close(file);
            read
        };
        let status = usize::try_from(read).ok().and_then(|read| status.get(..read)).unwrap_or_default();
        let blocked = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"SigBlk:"));
        let blocked = blocked.and_then(|mask| std::str::from_utf8(mask.trim_ascii()).ok());
        let blocked = blocked.and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0);
        let blocks = |signal: c_int| blocked >> (signal - 1) & 1 == 1;
        DEAF.into_iter().all(blocks) && !blocks(LIBC_OWN)
    }

    fn interrupt(thread: c_int) -> bool {
        // SAFETY: takes numbers only.
        unsafe {
            let own = libc::syscall(libc::SYS_gettid) == c_long::from(thread);
            !own && libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, libc::SIGQUIT) == 0
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
            assert_eq!(read.into_iter().filter_map(thread).collect::<Vec<_>>(), [1_234_567]);
            assert_eq!(names(&entries[..60]).count(), 2, "a record that was cut");
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    /// There is no way to list them: whoever has taken a signal gets time to count it.
    pub(super) fn interrupt_others() -> usize {
        std::thread::sleep(super::PATIENCE / 10);
        0
    }
}
