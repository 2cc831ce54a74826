//! Polled before each write, so that a full pipe blocks nobody for ever.

use std::ffi::c_int;
use std::time::{Duration, Instant};

/// How long a full pipe is waited for between two writes.
const STALLED_READER: Duration = Duration::from_millis(250);

/// A writable pipe takes PIPE_BUF bytes without blocking, and no more is promised.
const CHUNK: usize = 4096;

/// Writes to file descriptor 2; a reader is waited for as long as it reads at all.
pub fn write(bytes: &[u8]) {
    write_until(2, bytes, Instant::now() + Duration::from_secs(3600));
}

/// Writes what descriptor 2 takes without waiting; returns how many bytes that were.
#[must_use]
pub fn write_now(bytes: &[u8]) -> usize {
    let left = write_some(2, bytes, Instant::now());
    bytes.len() - left
}

/// Writes as much as the descriptor takes, and waits for it no longer than until `end`.
pub fn write_until(descriptor: c_int, bytes: &[u8], end: Instant) {
    write_some(descriptor, bytes, end);
}

/// Returns how many bytes are left.
fn write_some(descriptor: c_int, mut bytes: &[u8], end: Instant) -> usize {
    while !bytes.is_empty() {
        let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 };
        let patience = end.saturating_duration_since(Instant::now()).min(STALLED_READER).as_millis();
        // SAFETY: one valid pollfd.
        if unsafe { libc::poll(&raw mut poll, 1, c_int::try_from(patience).unwrap_or(0)) } <= 0 {
            break;
        }
        let chunk = bytes.len().min(CHUNK);
        // SAFETY: `chunk` bytes are readable.
        let written = unsafe { libc::write(descriptor, bytes.as_ptr().cast(), chunk) };
        match usize::try_from(written) {
            Ok(written) if written > 0 => bytes = &bytes[written..],
            _ => break,
        }
    }
    bytes.len()
}
