//! Which task it is, for those who may not know tasks.

use super::tracked::{CURRENT, TrackedTask};

/// Of the task that is being polled on this thread; 0 is none.
#[inline]
pub(crate) fn current_address() -> usize {
    CURRENT.get().map_or(0, TrackedTask::address)
}

impl TrackedTask {
    /// Tells its slot from others.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}
