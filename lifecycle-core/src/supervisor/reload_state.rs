//! What a manager knows of its reloads.

use std::sync::atomic::AtomicU64;

use tokio::sync::watch;

/// Of one manager.
pub(super) struct ReloadState {
    /// How often it was asked for since none was under way.
    pub(super) asked: AtomicU64,
    pub(super) done: watch::Sender<u64>,
}

impl Default for ReloadState {
    fn default() -> ReloadState {
        ReloadState { asked: AtomicU64::new(0), done: watch::Sender::new(0) }
    }
}
