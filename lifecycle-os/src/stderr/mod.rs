//! File descriptor 2, whoever holds the lock of std's stderr. May be used while the process is broken: nothing here
//! allocates, takes a lock or unwinds, and a reader that does not read is waited for within bounds.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub use other::{write, write_now, write_until};
#[cfg(unix)]
pub use unix::{write, write_now, write_until};

/// One line is at most as long as one atomic write to a pipe: PIPE_BUF on Linux.
pub type Line = crate::text::Text<4096>;

/// Writes one line; what does not fit is cut.
///
/// ```
/// lifecycle_os::stderr_line!("WARN {} orders are lost", 7);
/// ```
#[macro_export]
macro_rules! stderr_line {
    ($($arg:tt)*) => {{
        use std::fmt::Write as _;
        let mut line = $crate::stderr::Line::new();
        let _ = writeln!(line, $($arg)*);
        $crate::stderr::write(line.as_bytes());
    }};
}
pub use crate::stderr_line;
