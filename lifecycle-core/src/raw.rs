//! Output and exit for a process that may be broken: nothing here allocates, takes a lock or unwinds.

use std::fmt::{self, Write};

/// A text on the stack; what does not fit is cut.
pub(crate) struct Line {
    bytes: [u8; Line::CAPACITY],
    len: usize,
}

impl Line {
    /// PIPE_BUF on Linux: one write of it to a pipe is atomic.
    const CAPACITY: usize = 4096;

    pub(crate) const fn new() -> Line {
        Line { bytes: [0; Line::CAPACITY], len: 0 }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = text.len().min(Line::CAPACITY - self.len);
        self.bytes[self.len..self.len + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        Ok(())
    }
}

/// Writes one line to file descriptor 2, however long `stderr`'s lock is held elsewhere.
macro_rules! stderr_line {
    ($($arg:tt)*) => {{
        use std::fmt::Write as _;
        let mut line = $crate::raw::Line::new();
        let _ = writeln!(line, $($arg)*);
        $crate::raw::stderr(line.as_bytes());
    }};
}
pub(crate) use stderr_line;

#[cfg(unix)]
mod imp {
    /// How long a full pipe is waited for, in milliseconds.
    const PATIENCE: i32 = 250;

    pub(crate) fn stderr(mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let mut poll = libc::pollfd { fd: 2, events: libc::POLLOUT, revents: 0 };
            // SAFETY: one valid pollfd.
            if unsafe { libc::poll(&raw mut poll, 1, PATIENCE) } <= 0 {
                return;
            }
            // A writable pipe takes PIPE_BUF bytes without blocking, and no more is promised.
            let chunk = bytes.len().min(4096);
            // SAFETY: `chunk` bytes are readable.
            let written = unsafe { libc::write(2, bytes.as_ptr().cast(), chunk) };
            match usize::try_from(written) {
                Ok(written) if written > 0 => bytes = &bytes[written..],
                _ => return,
            }
        }
    }

    /// `_exit`, not `exit`: no atexit handler, no lock of stdio, no other thread can hold it up (rust-lang/rust#126606).
    pub(crate) fn exit(code: i32) -> ! {
        // SAFETY: takes no pointer and does not return.
        unsafe { libc::_exit(code) }
    }
}

#[cfg(not(unix))]
mod imp {
    use std::io::Write;

    pub(crate) fn stderr(bytes: &[u8]) {
        let _ = std::io::stderr().write_all(bytes);
    }

    pub(crate) fn exit(code: i32) -> ! {
        std::process::exit(code)
    }
}

pub(crate) use imp::{exit, stderr};
