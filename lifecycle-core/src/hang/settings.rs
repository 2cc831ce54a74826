//! How reports are shown, and where else they go.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What the environment asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// `LIFECYCLE_HANG_FRAMES=full`: nothing is folded.
    pub(crate) full: bool,
    /// `LIFECYCLE_HANG_REPORT`: reports are added to this file.
    pub(crate) file: Option<PathBuf>,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// From now on; once in a process.
pub(crate) fn set(settings: Settings) {
    let _ = SETTINGS.set(settings);
}

pub(super) fn is_full() -> bool {
    SETTINGS.get().is_some_and(|settings| settings.full)
}

pub(super) fn file() -> Option<&'static Path> {
    SETTINGS.get()?.file.as_deref()
}
