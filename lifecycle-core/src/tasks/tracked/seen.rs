//! What other threads see of a task.

use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use super::TrackedTask;
use crate::os::clock::ticked;
use crate::tasks::snapshot::{Age, TaskSnapshot};

impl TrackedTask {
    /// How many polls of it have begun.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Relaxed)
    }

    /// Whether a thread is in a poll of it, or works for it.
    pub(crate) fn is_polled(&self) -> bool {
        self.polling.load(Acquire) != 0
    }

    /// Whether its poll number `poll` is not over.
    pub(crate) fn is_in_poll(&self, poll: u64) -> bool {
        self.is_polled() && self.polls() == poll
    }

    /// What is known of it now; allocates nothing.
    pub(crate) fn snapshot(&self) -> TaskSnapshot {
        let thread = self.polling.load(Acquire);
        let since = if thread == 0 { &self.idle } else { &self.since };
        TaskSnapshot {
            name: self.label.name(),
            place: self.label.place(),
            thread,
            polls: self.polls.load(Relaxed),
            age: Age(match ticked() {
                0 => None,
                now => Some(Duration::from_millis(now.saturating_sub(since.load(Relaxed)))),
            }),
        }
    }
}
