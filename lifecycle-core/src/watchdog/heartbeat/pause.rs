//! A heartbeat that is not judged for a while.

use std::sync::atomic::Ordering::AcqRel;

use super::Heartbeat;

/// The guard of [`Heartbeat::pause`].
///
/// ```
/// # use std::time::Duration;
/// # use lifecycle::Heartbeat;
/// static BACKUP: Heartbeat = Heartbeat::new("backup", Duration::from_secs(5));
///
/// fn begin_backup() -> lifecycle::HeartbeatPause {
///     BACKUP.pause("the backup takes as long as it takes")
/// }
/// # drop(begin_backup());
/// ```
#[derive(Debug)]
#[must_use = "the heartbeat is judged again as soon as the guard is dropped"]
pub struct HeartbeatPause {
    pub(super) heartbeat: &'static Heartbeat,
}

impl Drop for HeartbeatPause {
    fn drop(&mut self) {
        self.heartbeat.beat();
        self.heartbeat.paused.fetch_sub(1, AcqRel);
    }
}
