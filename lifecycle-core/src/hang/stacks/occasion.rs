//! What the occasion of a report means for how it is made.

use crate::hang::{About, fatal_has_begun, reporter, wake_all};

impl About {
    pub(super) fn is_fatal(&self) -> bool {
        matches!(self, About::Hang(_))
    }

    pub(super) fn is_half_time(&self) -> bool {
        matches!(self, About::HalfTime(_))
    }

    /// Whether only suspects are shown: the service goes on, and its log is not to be flooded.
    pub(super) fn is_brief(&self) -> bool {
        matches!(self, About::HalfTime(_) | About::Late | About::Frozen(_))
    }

    /// Whether it lost its point: the process is about to end with a report of its own.
    pub(super) fn is_outdated(&self) -> bool {
        !self.is_fatal() && fatal_has_begun()
    }

    /// The thread that it is about, or 0.
    pub(super) fn thread(&self) -> u32 {
        match self {
            About::Frozen(task) => task.snapshot().thread,
            _ => 0,
        }
    }

    /// Wakes the tasks that are to tell what they wait for. It takes locks of the scheduler's, which a hung thread may hold:
    /// the fatal report has another thread do it.
    pub(super) fn wake(&self) {
        if self.is_fatal() {
            reporter::wake_tasks();
        } else {
            wake_all();
        }
    }
}
