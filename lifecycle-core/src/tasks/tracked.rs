//! What is known of each tracked task while it lives, without a lock: whether it observes the shutdown, and its polls.
//!
//! A slot lives for ever and is used again: threads keep plain references, and the watchdog looks at all of them.
//!
//! | state of a slot | who moves it on |
//! |---|---|
//! | free | `acquire`, by the thread that spawns a task |
//! | live, idle | `begin`, by the thread that polls it |
//! | live, polled by a thread | `end`, by the same thread |
//! | live, idle | `release`, once its task is gone: free again |

mod seen;
mod watched;

use std::cell::Cell;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::generation;
use super::label::{Label, Origin};
use crate::os::atomic_ref::{AtomicRef, Linked, StaticList};
use crate::os::clock::{monotonic_ns, nanos, ticked};
use crate::os::lock::{lock, try_lock};
use crate::os::process::thread_id;
use watched::Watched;
pub(crate) use watched::watched_tasks;

/// Main, a tracked task, or a hook at work.
#[derive(Default)]
pub(crate) struct TrackedTask {
    observed_shutdown: AtomicBool,
    live: AtomicBool,
    label: Label,
    /// Counted from 1.
    pub(super) number: AtomicU64,
    /// The thread that polls it now; 0 between polls.
    polling: AtomicU32,
    polls: AtomicU64,
    /// The watchdog's tick at which the current poll began, and the one at which the last poll ended.
    since: AtomicU64,
    idle: AtomicU64,
    /// The poll that was warned about.
    warned: AtomicU64,
    /// Of a hook: when its step ends, on the monotonic clock; 0 is unknown.
    until: AtomicU64,
    /// Of a future inside another task: that one, while this is polled.
    pub(super) parent: AtomicRef<TrackedTask>,
    pub(super) is_part: AtomicBool,
    /// What a hang report wants to know of the next poll; 0 is nothing.
    pub(crate) wanted: AtomicU64,
    waker: Mutex<Option<Waker>>,
    next: AtomicRef<TrackedTask>,
    watched: Watched,
}

/// Polls a task so that a hang report learns what it waits for. The first argument is the slot's `wanted`.
pub(crate) type TracePoll = fn(u64, &mut Context<'_>, &mut dyn FnMut(&mut Context<'_>));

struct Slots {
    all: StaticList<TrackedTask>,
    free: Mutex<Vec<&'static TrackedTask>>,
    /// How many tasks there ever were.
    acquired: AtomicU64,
    /// The main of the current run: plain tasks and threads that observe the shutdown do so in its name.
    main: AtomicRef<TrackedTask>,
    /// Without hang reports nothing is ever wanted.
    trace_poll: OnceLock<TracePoll>,
}

/// Process-wide: a hang report shows the tasks of the process.
static SLOTS: Slots = Slots {
    all: StaticList::new(),
    free: Mutex::new(Vec::new()),
    acquired: AtomicU64::new(0),
    main: AtomicRef::none(),
    trace_poll: OnceLock::new(),
};

thread_local! {
    pub(super) static CURRENT: Cell<Option<&'static TrackedTask>> = const { Cell::new(None) };
}

/// To be called once, before the first report.
pub(crate) fn set_trace_poll(trace: TracePoll) {
    let _ = SLOTS.trace_poll.set(trace);
}

/// Notes that the task that is being polled on this thread observes the shutdown. Whatever runs outside a tracked task
/// observes it in the name of main, which may be waiting for it.
#[inline]
pub(crate) fn observe_shutdown() {
    let task = CURRENT.get().or_else(main_task);
    task.into_iter().for_each(TrackedTask::observe);
}

fn main_task() -> Option<&'static TrackedTask> {
    SLOTS.main.load().filter(|_| !generation::is_left_behind())
}

/// When the step of the hook that runs on this thread ends.
pub(crate) fn hook_deadline() -> Option<Instant> {
    let until = CURRENT.get()?.until.load(Relaxed);
    let left = Duration::from_nanos(until.saturating_sub(monotonic_ns()));
    (until > 0).then(|| Instant::now() + left)
}

/// As [`observe_shutdown`], but only for a tracked task: false if there is none.
pub(crate) fn observe_shutdown_of_current() -> bool {
    CURRENT.get().inspect(|task| task.observe()).is_some()
}

/// The tasks that live; takes no lock.
pub(crate) fn live_tasks() -> impl Iterator<Item = &'static TrackedTask> {
    SLOTS.all.iter().filter(|task| task.live.load(Acquire))
}

impl Linked for TrackedTask {
    fn next(&self) -> &AtomicRef<TrackedTask> {
        &self.next
    }
}

impl TrackedTask {
    pub(crate) fn acquire(name: &str) -> &'static TrackedTask {
        let free = lock(&SLOTS.free).pop();
        let task = free.unwrap_or_else(|| {
            let task = Box::leak(Box::default());
            SLOTS.all.push(task);
            task
        });
        task.number.store(SLOTS.acquired.fetch_add(1, Relaxed) + 1, Relaxed);
        task.observed_shutdown.store(false, Relaxed);
        task.idle.store(ticked(), Relaxed);
        task.polls.store(0, Relaxed);
        task.until.store(0, Relaxed);
        task.is_part.store(false, Relaxed);
        task.polling.store(0, Relaxed);
        task.label.set(name);
        task.set_live();
        task
    }

    /// For the next task; nobody may poll with it any more.
    pub(crate) fn release(&'static self) {
        self.live.store(false, Release);
        self.polling.store(0, Relaxed);
        self.wanted.store(0, Relaxed);
        let waker = lock(&self.waker).take();
        // Outside the lock: dropping it may run code of the scheduler's.
        drop(waker);
        if SLOTS.main.load().is_some_and(|main| std::ptr::eq(main, self)) {
            SLOTS.main.store(None);
        }
        lock(&SLOTS.free).push(self);
    }

    /// From now on plain tasks and threads observe the shutdown in its name.
    pub(crate) fn set_main(&'static self) {
        SLOTS.main.store(Some(self));
    }

    pub(crate) fn set_origin(&self, origin: Origin) {
        self.label.set_origin(origin);
    }

    /// Of a hook, from now on.
    pub(super) fn set_until(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        self.until.store(monotonic_ns().saturating_add(nanos(left)).max(1), Relaxed);
    }

    /// From now on it is a future inside other tasks: whatever observes the shutdown in it does so for them.
    pub(super) fn make_part(&self) {
        self.is_part.store(true, Relaxed);
    }

    /// Loads first: a store would have all threads contend for the line.
    #[inline]
    pub(super) fn observe(&self) {
        if !self.observed_shutdown.load(Relaxed) {
            self.observed_shutdown.store(true, Relaxed);
            if self.is_part.load(Relaxed) {
                self.parent.load().or_else(main_task).into_iter().for_each(TrackedTask::observe);
            }
        }
    }

    pub(crate) fn observed_shutdown(&self) -> bool {
        self.observed_shutdown.load(Relaxed)
    }

    /// For a thread of its own: everything on it is this task.
    pub(crate) fn own_thread(&'static self) {
        CURRENT.set(Some(self));
        self.begin_thread();
    }

    /// Runs `work`, which does not unwind, as this task, which is to be released then: it may take as long as it likes.
    pub(crate) fn on_this_thread<T>(&'static self, work: impl FnOnce() -> T) -> T {
        let outer = CURRENT.replace(Some(self));
        self.begin_thread();
        let result = work();
        CURRENT.set(outer);
        result
    }

    pub(super) fn begin_thread(&self) {
        self.since.store(ticked(), Relaxed);
        self.polling.store(thread_id(), Release);
    }

    /// Two loads and three stores of this thread's own; no clock is read.
    #[inline]
    fn begin(&self) {
        self.since.store(ticked(), Relaxed);
        self.polls.store(self.polls.load(Relaxed) + 1, Relaxed);
        // Release: who sees the thread sees since when.
        self.polling.store(thread_id(), Release);
    }

    /// The last one goes on until what the task's end means is known: until its release.
    #[inline]
    fn end_poll<T>(&self, poll: &Poll<T>) {
        if poll.is_pending() {
            self.end();
        }
    }

    #[inline]
    pub(super) fn end(&self) {
        self.idle.store(ticked(), Relaxed);
        self.polling.store(0, Release);
    }

    /// Runs `poll` as a poll of this task.
    #[inline]
    pub(super) fn polled<T>(
        &'static self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // Polls nest: a tracked task may drive another with `block_on`.
        let outer = CURRENT.replace(Some(self));
        if self.is_part.load(Relaxed) {
            self.parent.store(outer);
        }
        if self.polls.load(Relaxed) == 0 {
            // A task's waker stays the same, or wakes the same task.
            *lock(&self.waker) = Some(context.waker().clone());
        }
        let poll = if self.wanted.load(Relaxed) == 0 {
            self.begin();
            let poll = poll(context);
            self.end_poll(&poll);
            poll
        } else {
            self.traced(context, poll)
        };
        CURRENT.set(outer);
        poll
    }

    #[cold]
    fn traced<T>(
        &self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let wanted = self.wanted.swap(0, AcqRel);
        let (idle, polls) = (self.idle.load(Relaxed), self.polls.load(Relaxed));
        self.begin();
        let (mut poll, mut result) = (Some(poll), Poll::Pending);
        let mut poll_once = |context: &mut Context<'_>| {
            if let Some(poll) = poll.take() {
                result = poll(context);
            }
        };
        match SLOTS.trace_poll.get() {
            Some(trace) => trace(wanted, context, &mut poll_once),
            None => poll_once(context),
        }
        self.end_poll(&result);
        // A poll that the report itself caused is no sign of life.
        self.idle.store(idle, Relaxed);
        self.polls.store(polls, Relaxed);
        result
    }

    /// Wakes it. Takes locks of the scheduler's: for a thread that may block for ever.
    pub(crate) fn wake(&self) {
        if let Some(waker) = try_lock(&self.waker) {
            waker.iter().for_each(Waker::wake_by_ref);
        }
    }
}
