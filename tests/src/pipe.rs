//! A pipe that nobody reads.

use std::io::{PipeReader, PipeWriter, Write};
use std::os::fd::AsRawFd;

/// A pipe that takes not one byte more; its writer blocks, as a service's stderr does.
///
/// # Panics
/// If the process has no file descriptors left.
#[must_use]
pub fn full() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    set_flags(&writer, libc::O_NONBLOCK);
    while writer.write(&[b'x'; 4096]).is_ok() {}
    while writer.write(b"x").is_ok() {}
    set_flags(&writer, 0);
    (reader, writer)
}

fn set_flags(pipe: &PipeWriter, flags: libc::c_int) {
    // SAFETY: the descriptor is open and ours.
    unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, flags) };
}
