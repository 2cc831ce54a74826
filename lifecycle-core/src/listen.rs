//! Who listens, and who is polled: what is known of each tracked task while it runs, without a lock.

mod label;
mod sight;

use std::cell::Cell;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::hang::traced;
use label::Label;
pub(crate) use label::NAME;
pub(crate) use sight::{Age, Sight};

use crate::place::Place;
use crate::raw::thread_id;
use crate::watchdog::ticked;

/// One tracked task's ear. Slots live for ever and are used again, so that a thread can keep a plain reference,
/// and the watchdog can look at all of them in a process that may hold any lock.
#[derive(Default)]
pub(crate) struct Ear {
    listens: AtomicBool,
    live: AtomicBool,
    label: Label,
    /// The thread that polls it now; 0 between polls.
    polling: AtomicU32,
    polls: AtomicU64,
    /// The watchdog's tick at which the current poll began, and the one at which the last poll ended.
    since: AtomicU64,
    idle: AtomicU64,
    /// The poll that was warned about.
    warned: AtomicU64,
    /// What is to be found out at the next poll: see `hang::stacks::awaits`; 0 is nothing.
    pub(crate) wanted: AtomicU64,
    waker: Mutex<Option<Waker>>,
    next: AtomicPtr<Ear>,
}

static FREE: Mutex<Vec<&'static Ear>> = Mutex::new(Vec::new());

/// Every ear, newest first: pushed to, never removed from.
static EARS: AtomicPtr<Ear> = AtomicPtr::new(null_mut());

thread_local! {
    static CURRENT: Cell<Option<&'static Ear>> = const { Cell::new(None) };
}

/// Notes that the task that is being polled on this thread asked.
#[inline]
pub(crate) fn asked() {
    if let Some(ear) = CURRENT.get() {
        ear.listens.store(true, Relaxed);
    }
}

/// The ears of tasks that live; takes no lock.
pub(crate) fn ears() -> impl Iterator<Item = &'static Ear> {
    // SAFETY: the list holds null or `&'static Ear`s, published with Release by `link`.
    let load = |pointer: &AtomicPtr<Ear>| unsafe { pointer.load(Acquire).as_ref() };
    let all = std::iter::successors(load(&EARS), move |ear: &&'static Ear| load(&ear.next));
    all.filter(|ear| ear.live.load(Acquire))
}

impl Ear {
    pub(crate) fn take(name: &str) -> &'static Ear {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let ear = free.unwrap_or_else(|| Ear::link(Box::leak(Box::default())));
        ear.listens.store(false, Relaxed);
        ear.idle.store(ticked(), Relaxed);
        ear.polls.store(0, Relaxed);
        ear.polling.store(0, Relaxed);
        ear.label.set(name);
        ear.live.store(true, Release);
        ear
    }

    fn link(ear: &'static Ear) -> &'static Ear {
        let this = std::ptr::from_ref(ear).cast_mut();
        let mut head = EARS.load(Relaxed);
        loop {
            ear.next.store(head, Relaxed);
            match EARS.compare_exchange_weak(head, this, Release, Relaxed) {
                Ok(_) => return ear,
                Err(now) => head = now,
            }
        }
    }

    /// For the next task; nobody may poll with it any more.
    pub(crate) fn give_back(&'static self) {
        self.live.store(false, Release);
        self.wanted.store(0, Relaxed);
        *self.waker() = None;
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }

    fn waker(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn spawned_at(&self, location: &'static Location<'static>) {
        self.label.spawned_at(location);
    }

    pub(crate) fn listens(&self) -> bool {
        self.listens.load(Relaxed)
    }

    /// For a thread of its own: everything on it is this task.
    pub(crate) fn own_thread(&'static self) {
        CURRENT.set(Some(self));
        self.begin_thread();
    }

    fn begin_thread(&self) {
        self.since.store(ticked(), Relaxed);
        self.polling.store(thread_id(), Release);
    }

    /// Two loads and three stores of this thread's own; no clock is read.
    fn begin(&self) {
        self.since.store(ticked(), Relaxed);
        self.polls.store(self.polls.load(Relaxed) + 1, Relaxed);
        // Release: who sees the thread sees since when.
        self.polling.store(thread_id(), Release);
    }

    fn end(&self) {
        self.idle.store(ticked(), Relaxed);
        self.polling.store(0, Release);
    }

    /// Runs `poll` as a poll of this task.
    fn polled<T>(
        &'static self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // Polls nest: a tracked task may drive another with `block_on`.
        let outer = CURRENT.replace(Some(self));
        if self.polls.load(Relaxed) == 0 {
            // A task's waker stays the same, or wakes the same task.
            *self.waker() = Some(context.waker().clone());
        }
        let poll = if self.wanted.load(Relaxed) == 0 {
            self.begin();
            let poll = poll(context);
            self.end();
            poll
        } else {
            let wanted = self.wanted.swap(0, AcqRel);
            let (idle, polls) = (self.idle.load(Relaxed), self.polls.load(Relaxed));
            self.begin();
            let poll = traced(wanted, context, poll);
            self.end();
            // A poll that the report itself caused is no sign of life.
            self.idle.store(idle, Relaxed);
            self.polls.store(polls, Relaxed);
            poll
        };
        CURRENT.set(outer);
        poll
    }

    /// Wakes it. Takes locks of the scheduler's: for a thread that may block for ever.
    pub(crate) fn wake(&self) {
        if let Ok(waker) = self.waker.try_lock() {
            waker.iter().for_each(Waker::wake_by_ref);
        }
    }

    /// What is known of it now; allocates nothing.
    pub(crate) fn look(&self) -> Sight {
        let thread = self.polling.load(Acquire);
        let since = if thread == 0 { &self.idle } else { &self.since };
        Sight {
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

    /// Whether this poll was not warned about yet; from now on it was.
    pub(crate) fn warn_once(&self, polls: u64) -> bool {
        self.warned.swap(polls, Relaxed) != polls
    }
}

/// An ear that is given back at the end, however that comes.
pub(crate) struct Owned(&'static Ear);

impl Owned {
    pub(crate) fn hook(name: &str, declared: &'static Place) -> Owned {
        let ear = Ear::take(name);
        ear.label.declared_at(declared);
        Owned(ear)
    }

    pub(crate) fn get(&self) -> &'static Ear {
        self.0
    }

    /// Until it is dropped, this thread works for it: that is no poll, and may take as long as it likes.
    pub(crate) fn on_this_thread(self) -> Owned {
        self.0.begin_thread();
        self
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.end();
        self.0.give_back();
    }
}

/// A future whose polls are known to be those of one task.
pub(crate) struct Listening<F> {
    pub(crate) ear: &'static Ear,
    pub(crate) future: F,
}

impl<F: Future + Unpin> Future for Listening<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let ear = self.ear;
        let future = Pin::new(&mut self.future);
        ear.polled(context, |context| future.poll(context))
    }
}
