//! How reports are shown, and where else they go.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use crate::config::resolve::HangReports;

static SETTINGS: OnceLock<HangReports> = OnceLock::new();

/// From now on; once in a process.
pub(crate) fn set(settings: HangReports) {
    let _ = SETTINGS.set(settings);
}

/// What is wrong with the file: better told at the start than found out at 3 a.m. It is made if it is not there.
pub(crate) fn warning() -> Option<String> {
    let file = file()?;
    let error = open(file).err()?;
    Some(format!("LIFECYCLE_HANG_REPORT={}: {error}: hang reports go to stderr only", file.display()))
}

/// To add to it. A path of less than 384 bytes is opened without allocation.
pub(super) fn open(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A FIFO that nobody reads must not stop us.
        options.custom_flags(libc::O_NONBLOCK).mode(0o600);
    }
    options.open(file)
}

pub(super) fn is_full() -> bool {
    SETTINGS.get().is_some_and(|settings| settings.full)
}

pub(super) fn file() -> Option<&'static Path> {
    SETTINGS.get()?.file.as_deref()
}
