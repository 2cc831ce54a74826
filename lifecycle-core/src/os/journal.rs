//! Lines for systemd's journal: with their level, where stderr leads there (`sd-daemon(3)`). `level` may be called while the
//! process is broken.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// Process-wide, as stderr is.
static IS_STDERR: AtomicBool = AtomicBool::new(false);

/// Looks where stderr leads; to be called at the start.
#[cfg(all(feature = "systemd", target_os = "linux"))]
pub(crate) fn look() {
    use std::fs::File;
    use std::os::fd::AsFd;
    use std::os::linux::fs::MetadataExt;

    let stderr = std::io::stderr().as_fd().try_clone_to_owned().map(File::from);
    let id =
        stderr.and_then(|file| file.metadata()).map(|file| format!("{}:{}", file.st_dev(), file.st_ino()));
    // A program that redirects its stderr has inherited the variable all the same.
    let is_journal = id.is_ok_and(|id| std::env::var("JOURNAL_STREAM").is_ok_and(|stream| stream == id));
    IS_STDERR.store(is_journal, Relaxed);
}

#[cfg(not(all(feature = "systemd", target_os = "linux")))]
pub(crate) fn look() {}

/// What a line begins with.
pub(crate) fn level(level: &'static str) -> &'static str {
    if IS_STDERR.load(Relaxed) { level } else { "" }
}

/// Each line of `text` with its level.
pub(crate) fn with_level(prefix: &'static str, text: String) -> String {
    let prefix = level(prefix);
    if prefix.is_empty() {
        return text;
    }
    text.lines().map(|line| format!("{prefix}{line}\n")).collect()
}
