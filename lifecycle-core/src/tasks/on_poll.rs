//! What a test does at each poll of the tracked tasks of its thread.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::task::{Context, Poll};

use super::tracked::TrackedTask;
use crate::os::traced_waker::trace;

/// Told of each poll that leaves its task waiting.
pub(crate) trait OnPoll {
    /// Whether the places where it waits are of interest.
    fn is_traced(&self) -> bool;

    /// A task waits there.
    fn waits(&mut self, task: &str, places: Vec<Backtrace>);
}

thread_local! {
    static ON_POLL: RefCell<Option<Box<dyn OnPoll>>> = const { RefCell::new(None) };
}

/// From now on, on this thread. Returns what it was before.
pub(crate) fn set(on_poll: Option<Box<dyn OnPoll>>) -> Option<Box<dyn OnPoll>> {
    ON_POLL.replace(on_poll)
}

/// Polls a task.
pub(super) fn observed<T>(
    task: &TrackedTask,
    context: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let traced = ON_POLL.with_borrow(|on_poll| on_poll.as_ref().map(|on_poll| on_poll.is_traced()));
    let (result, places) = match traced {
        None => return poll(context),
        Some(true) => trace(context, poll),
        Some(false) => (poll(context), Vec::new()),
    };
    if result.is_pending() {
        let name = task.snapshot().name;
        ON_POLL.with_borrow_mut(|on_poll| {
            if let Some(on_poll) = on_poll {
                on_poll.waits(name.as_str(), places);
            }
        });
    }
    result
}
