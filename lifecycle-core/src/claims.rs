//! Who does which job: each is claimed at most once, comes up a second time at most once, and its first end counts.
//!
//! Model-checked by `tests/tests/races.rs`, which compiles this very file with loom's primitives.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::sync::{AtomicUsize, Mutex, MutexGuard};

/// Jobs on their way from waiting (`W`) over running (`R`) to ended (`E`).
pub(crate) struct Claims<W, R, E> {
    jobs: Vec<Slot<W, R, E>>,
    next: AtomicUsize,
    again: AtomicUsize,
    left: AtomicUsize,
}

/// A job, made long before anybody claims it.
pub(crate) struct Slot<W, R, E>(Mutex<Job<W, R, E>>);

impl<W, R, E> Slot<W, R, E> {
    pub(crate) fn new(waiting: W) -> Self {
        Slot(Mutex::new(Job::Waiting(waiting)))
    }

    /// Calls `f` with what waits in it.
    pub(crate) fn while_waiting<T>(&self, f: impl FnOnce(&mut W) -> T) -> Option<T> {
        match &mut *lock(self) {
            Job::Waiting(waiting) => Some(f(waiting)),
            _ => None,
        }
    }
}

enum Job<W, R, E> {
    Waiting(W),
    Running(R),
    Ended(E),
}

/// A job that was ended just now, for the first and only time.
pub(crate) struct Over<W, R> {
    pub(crate) before: Before<W, R>,
    /// No job is left. Told to exactly one.
    pub(crate) last: bool,
}

/// What a job was before it ended: to be dropped where that may take long.
pub(crate) enum Before<W, R> {
    Waiting(W),
    Running(R),
}

impl<W, R, E> Claims<W, R, E> {
    pub(crate) fn new(jobs: Vec<Slot<W, R, E>>) -> Self {
        Claims {
            next: AtomicUsize::new(0),
            again: AtomicUsize::new(0),
            left: AtomicUsize::new(jobs.len()),
            jobs,
        }
    }

    /// Grows from zero to twice the number of jobs: by those that were claimed, and by those that came up again.
    pub(crate) fn progress(&self) -> usize {
        let seen = |counter: &AtomicUsize| counter.load(Relaxed).min(self.jobs.len());
        seen(&self.next) + seen(&self.again)
    }

    /// Whether some job was not claimed yet.
    pub(crate) fn has_waiting(&self) -> bool {
        self.next.load(Relaxed) < self.jobs.len()
    }

    /// Whether every job has ended, and what it left can be seen.
    pub(crate) fn is_done(&self) -> bool {
        // Acquire: pairs with the AcqRel in `end`.
        self.left.load(Acquire) == 0
    }

    /// Takes the next waiting job; it is running from here on.
    pub(crate) fn claim(&self, begin: impl Fn() -> R) -> Option<(usize, W)> {
        loop {
            // Relaxed: the counter only deals out numbers; the job is handed over under its lock.
            let index = self.next.fetch_add(1, Relaxed);
            let mut job = lock(self.jobs.get(index)?);
            if let Job::Waiting(_) = *job
                && let Job::Waiting(waiting) = std::mem::replace(&mut *job, Job::Running(begin()))
            {
                return Some((index, waiting));
            }
        }
    }

    /// The next job to come up a second time, whatever it is by now.
    pub(crate) fn claim_again(&self) -> Option<usize> {
        let index = self.again.fetch_add(1, Relaxed);
        (index < self.jobs.len()).then_some(index)
    }

    /// Whether the job has come up a second time. After a change under its lock the answer is certain: who comes up
    /// later sees the change, who came up earlier is seen here.
    pub(crate) fn came_up_again(&self, index: usize) -> bool {
        self.again.load(Relaxed) > index
    }

    /// Calls `f` if the job is running.
    pub(crate) fn while_running<T>(&self, index: usize, f: impl FnOnce(&mut R) -> T) -> Option<T> {
        match &mut *lock(&self.jobs[index]) {
            Job::Running(running) => Some(f(running)),
            _ => None,
        }
    }

    /// As `while_running`, but waits for no lock: for those who look on from outside.
    pub(crate) fn is_seen_running(&self, index: usize) -> bool {
        self.jobs[index].0.try_lock().is_ok_and(|job| matches!(*job, Job::Running(_)))
    }

    /// Ends a job, unless it has ended before: then that end stays.
    pub(crate) fn end(&self, index: usize, end: impl FnOnce(Option<&R>) -> E) -> Option<Over<W, R>> {
        let mut job = lock(&self.jobs[index]);
        let ended = match &*job {
            Job::Waiting(_) => end(None),
            Job::Running(running) => end(Some(running)),
            Job::Ended(_) => return None,
        };
        let before = match std::mem::replace(&mut *job, Job::Ended(ended)) {
            Job::Waiting(waiting) => Before::Waiting(waiting),
            Job::Running(running) => Before::Running(running),
            Job::Ended(_) => return None,
        };
        drop(job);
        // AcqRel: the last one releases the ends of all to whoever sees zero.
        let last = self.left.fetch_sub(1, AcqRel) == 1;
        Some(Over { before, last })
    }

    /// Nobody will claim what is waiting now, and nothing comes up again.
    pub(crate) fn close(&self) {
        self.next.store(self.jobs.len(), Relaxed);
        self.again.store(self.jobs.len(), Relaxed);
    }

    /// Calls `f` with each end, in the order of the jobs.
    pub(crate) fn for_each_end(&self, mut f: impl FnMut(usize, &E)) {
        for (index, job) in self.jobs.iter().enumerate() {
            if let Job::Ended(end) = &*lock(job) {
                f(index, end);
            }
        }
    }
}

fn lock<W, R, E>(slot: &Slot<W, R, E>) -> MutexGuard<'_, Job<W, R, E>> {
    slot.0.lock().unwrap_or_else(PoisonError::into_inner)
}
