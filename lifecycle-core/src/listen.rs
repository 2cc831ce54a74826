//! Who listens: whether a task asked, in its own polls, if it should stop.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

/// One tracked task's ear. Slots live for ever and are used again, so that a thread can keep a plain reference.
pub(crate) struct Ear {
    listens: AtomicBool,
}

static FREE: Mutex<Vec<&'static Ear>> = Mutex::new(Vec::new());

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

impl Ear {
    pub(crate) fn take() -> &'static Ear {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let ear = free.unwrap_or_else(|| Box::leak(Box::new(Ear { listens: AtomicBool::new(false) })));
        ear.listens.store(false, Relaxed);
        ear
    }

    /// For the next task; nobody may poll with it any more.
    pub(crate) fn give_back(&'static self) {
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }

    pub(crate) fn listens(&self) -> bool {
        self.listens.load(Relaxed)
    }

    /// For a thread of its own: everything on it is this task.
    pub(crate) fn own_thread(&'static self) {
        CURRENT.set(Some(self));
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
        // Polls nest: a tracked task may drive another with `block_on`.
        let outer = CURRENT.replace(Some(self.ear));
        let poll = Pin::new(&mut self.future).poll(context);
        CURRENT.set(outer);
        poll
    }
}
