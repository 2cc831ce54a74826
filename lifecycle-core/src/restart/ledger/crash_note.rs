//! What a process that died left beside the ledger; `crate::os::crash_marker` writes it.

use serde::{Deserialize, Serialize};

use crate::os::process::Identity;

/// What a process said when it died.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CrashNote {
    pub(crate) said: String,
    /// When, in the boot in which it ran.
    pub(crate) since_boot_ms: u64,
}

/// The file's name is the ledger's with this behind it. It exists only between such a death and the next start.
pub(crate) const SUFFIX: &str = ".died";

/// One line: pid, start time, time of crash_note, words.
pub(crate) fn parse(line: &str) -> Option<(Identity, CrashNote)> {
    let mut parts = line.splitn(4, ' ');
    let pid = parts.next()?.parse().ok()?;
    let start: u64 = parts.next()?.parse().ok()?;
    let since_boot_ms = parts.next()?.parse().ok()?;
    let said = parts.next().map(str::trim).filter(|words| !words.is_empty())?;
    let said = said.chars().take(500).collect();
    Some((Identity { pid, start: Some(start).filter(|start| *start > 0) }, CrashNote { said, since_boot_ms }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_last_words_are_ignored() {
        let said = |said: &str| CrashNote { said: said.into(), since_boot_ms: 9 };
        let words = parse("7 42 9 aborted (SIGABRT)");
        assert_eq!(words, Some((Identity { pid: 7, start: Some(42) }, said("aborted (SIGABRT)"))));
        assert_eq!(parse("7 0 9 x").map(|(process, _)| process.start), Some(None));
        for line in ["", "7", "7 1", "7 1 9", "7 1 9 ", "7 1 x y", "x 1 9 y", "-1 1 9 y", "7 x 9 y"] {
            assert_eq!(parse(line), None, "{line:?}");
        }
    }
}
