//! Where reports go: file descriptor 2, and the file that was asked for. One second in all, if nobody reads.
//! The first SUSPECT of one is remembered on its way.

use std::fmt::{self, Write};
use std::time::{Duration, Instant};

use super::settings;
use crate::os::stderr;
use crate::os::text::Text;

const PATIENCE: Duration = Duration::from_secs(1);

/// Suspects stand within so many bytes of a report.
const HEAD: usize = 8192;

/// Who most likely holds everything up, in one sentence; longer ones are cut.
pub(crate) type Suspect = Text<1024>;

/// Writes straight to descriptors: no lock of stdio's.
pub(super) struct Output {
    file: Option<std::fs::File>,
    end: Option<Instant>,
    head: Text<HEAD>,
}

impl Output {
    pub(super) fn new() -> Output {
        let file = settings::file().and_then(|path| settings::open(path).ok());
        Output { file, end: None, head: Text::new() }
    }

    /// The first of what was written; empty if it accuses nobody.
    pub(super) fn suspect(&self) -> Suspect {
        Text::of(first_suspect(self.head.as_str()).unwrap_or_default())
    }
}

impl Output {
    /// Into the file alone: stderr has it already.
    pub(super) fn headline(&mut self, line: fmt::Arguments<'_>) {
        let mut text = Text::<4096>::new();
        let _ = text.write_fmt(line);
        if let Some(file) = &mut self.file {
            to_file(file, text.as_str().as_bytes(), Instant::now() + PATIENCE);
        }
    }
}

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.head.write_str(text)?;
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

/// Of a report as text, or as JSON.
fn first_suspect(report: &str) -> Option<&str> {
    let whole = report.rfind('\n').map_or("", |end| &report[..end]);
    let line = whole.lines().find_map(|line| line.strip_prefix("SUSPECT "));
    line.or_else(|| {
        let (_, suspects) = report.split_once("\"suspects\":[\"")?;
        // Names in it are quoted by backticks: what has another quote is not worth a guess.
        suspects.split_once('"').map(|(first, _)| first).filter(|first| !first.contains('\\'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_suspect_is_found_if_it_is_whole() {
        let json = |rest: &str| format!("{{\"message\":\"SUSPECT\",\"suspects\":[{rest}");
        for (report, suspect) in [
            ("at 12:00\nSUSPECT task `main`: idle\nSUSPECT thread 7\n", Some("task `main`: idle")),
            ("at 12:00\nSUSPECT task `main`: id", None),
            ("at 12:00\ntasks:\n  SUSPECT of a name\n", None),
            (&json("\"task `main`: idle\",\"thread 7\"],"), Some("task `main`: idle")),
            (&json("\"task `main`: id"), None),
            (&json("\"task `a\\\"b`\"]"), None),
            (&json("],\"remarks\":[\"x\"]"), None),
            ("", None),
        ] {
            assert_eq!(first_suspect(report), suspect, "{report:?}");
        }
    }
}
