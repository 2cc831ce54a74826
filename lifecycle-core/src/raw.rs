//! Output and exit for a process that may be broken: nothing here allocates, takes a lock or unwinds.

use std::cell::Cell;
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

/// Which thread this is: on Linux the kernel's number, elsewhere one of our own. Never 0.
#[inline]
pub(crate) fn thread_id() -> u32 {
    thread_local! {
        static ID: Cell<u32> = const { Cell::new(0) };
    }
    if ID.get() == 0 {
        ID.set(new_thread_id());
    }
    ID.get()
}

#[cfg(target_os = "linux")]
fn new_thread_id() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(1)
}

#[cfg(not(target_os = "linux"))]
fn new_thread_id() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Relaxed)
}

#[cfg(unix)]
mod imp {
    use std::ffi::c_int;
    use std::time::{Duration, Instant};

    /// How long a full pipe is waited for, in milliseconds.
    const PATIENCE: i32 = 250;

    pub(crate) fn stderr(bytes: &[u8]) {
        write_until(2, bytes, Instant::now() + Duration::from_secs(3600));
    }

    /// Writes as much as the descriptor takes, and waits for it no longer than until `end`.
    pub(crate) fn write_until(descriptor: c_int, mut bytes: &[u8], end: Instant) {
        while !bytes.is_empty() {
            let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 };
            let left = end.saturating_duration_since(Instant::now()).as_millis();
            let patience = c_int::try_from(left).map_or(PATIENCE, |left| left.min(PATIENCE));
            // SAFETY: one valid pollfd.
            if unsafe { libc::poll(&raw mut poll, 1, patience) } <= 0 {
                return;
            }
            // A writable pipe takes PIPE_BUF bytes without blocking, and no more is promised.
            let chunk = bytes.len().min(4096);
            // SAFETY: `chunk` bytes are readable.
            let written = unsafe { libc::write(descriptor, bytes.as_ptr().cast(), chunk) };
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

    use std::ffi::c_int;
    use std::time::Instant;

    pub(crate) fn stderr(bytes: &[u8]) {
        write_until(2, bytes, Instant::now());
    }

    /// Only stderr is known by a number here.
    pub(crate) fn write_until(_: c_int, bytes: &[u8], _: Instant) {
        let _ = std::io::stderr().write_all(bytes);
    }

    pub(crate) fn exit(code: i32) -> ! {
        std::process::exit(code)
    }
}

pub(crate) use imp::{exit, stderr, write_until};
