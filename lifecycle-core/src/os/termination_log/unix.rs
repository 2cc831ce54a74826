//! One `open`, one `write`.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Only a file that is there; a FIFO that nobody reads must not hold up the exit.
const FLAGS: libc::c_int =
    libc::O_WRONLY | libc::O_TRUNC | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;

pub(super) fn write(path: &CStr, bytes: &[u8]) {
    // SAFETY: a text that ends with a zero.
    let file = unsafe { libc::open(path.as_ptr(), FLAGS) };
    if file < 0 {
        return;
    }
    // SAFETY: ours alone, since it has just been opened.
    let file = unsafe { OwnedFd::from_raw_fd(file) };
    // SAFETY: as many readable bytes as are said. Nobody can be told that it failed.
    unsafe { libc::write(file.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
}
