//! Where reports go: file descriptor 2, and the file that was asked for. One second in all, if nobody reads.

use std::fmt;
use std::time::{Duration, Instant};

use super::settings;
use crate::os::stderr;

const PATIENCE: Duration = Duration::from_secs(1);

/// Writes straight to descriptors: no lock of stdio's.
pub(super) struct Output {
    file: Option<std::fs::File>,
    end: Option<Instant>,
}

impl Output {
    pub(super) fn new() -> Output {
        Output { file: settings::file().and_then(|path| settings::open(path).ok()), end: None }
    }
}

impl Output {
    /// Into the file alone: stderr has it already.
    pub(super) fn headline(&mut self, line: fmt::Arguments<'_>) {
        let mut text = crate::os::text::Text::<4096>::new();
        let _ = fmt::Write::write_fmt(&mut text, line);
        if let Some(file) = &mut self.file {
            to_file(file, text.as_str().as_bytes(), Instant::now() + PATIENCE);
        }
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = *self.end.get_or_insert_with(|| Instant::now() + PATIENCE);
        if let Some(file) = &mut self.file {
            to_file(file, text.as_bytes(), end);
        }
        stderr::write_until(2, text.as_bytes(), end);
        Ok(())
    }
}

#[cfg(unix)]
fn to_file(file: &std::fs::File, bytes: &[u8], end: Instant) {
    stderr::write_until(std::os::fd::AsRawFd::as_raw_fd(file), bytes, end);
}

#[cfg(not(unix))]
fn to_file(file: &mut std::fs::File, bytes: &[u8], _: Instant) {
    let _ = std::io::Write::write_all(file, bytes);
}
