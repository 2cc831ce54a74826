//! File descriptor 2 as the receiver of a report.

use std::fmt;
use std::time::{Duration, Instant};

/// If nobody reads it, in all.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Writes to file descriptor 2, whoever holds the lock of std's stderr; a reader that does not read is waited for a second.
///
/// ```
/// use std::fmt::Write;
///
/// writeln!(lifecycle_hang::Stderr::new(), "nothing hangs")?;
/// # Ok::<(), std::fmt::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Stderr {
    end: Option<Instant>,
}

impl Stderr {
    /// Its time begins with the first text.
    #[must_use]
    pub const fn new() -> Stderr {
        Stderr { end: None }
    }
}

impl fmt::Write for Stderr {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = *self.end.get_or_insert_with(|| Instant::now() + TIMEOUT);
        lifecycle_os::stderr::write_until(2, text.as_bytes(), end);
        Ok(())
    }
}
