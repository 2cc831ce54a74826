//! Which task it is, for those who may not know tasks.

use std::sync::atomic::Ordering::Relaxed;

use super::tracked::{CURRENT, TrackedTask};

/// Of the task that is being polled on this thread; 0 is none.
#[inline]
pub(crate) fn current_address() -> usize {
    CURRENT.get().map_or(0, TrackedTask::address)
}

/// The number of the task that is being polled on this thread, or that this thread works for; 0 is none.
pub(crate) fn current_number() -> u64 {
    CURRENT.get().and_then(TrackedTask::whole).map_or(0, TrackedTask::number)
}

impl TrackedTask {
    /// Tells it from all others that there ever were.
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Relaxed)
    }

    /// The task that it is a part of, if it is one.
    fn whole(&'static self) -> Option<&'static TrackedTask> {
        if self.is_part.load(Relaxed) { self.parent.load()?.whole() } else { Some(self) }
    }

    /// Tells its slot from others.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}
