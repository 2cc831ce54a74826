//! Who does which job: each is claimed at most once, comes up for a second round at most once, and its first end counts.
//!
//! | a job | moved on by |
//! |---|---|
//! | waits (`W`) | `claim`: the thread that begins it |
//! | runs (`R`) | `end`: the thread that finishes it, or declares it late |
//! | has ended (`E`) | nobody; `end` again changes nothing |
//!
//! `close` keeps what waits from being claimed. Model-checked by `tests/tests/races.rs`, which compiles this very file
//! with loom's primitives.

use std::ops::Range;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::os::sync::{AtomicUsize, Mutex, lock};

/// Jobs on their way from waiting over running to ended.
pub(crate) struct JobQueue<W, R, E> {
    jobs: Vec<Mutex<Job<W, R, E>>>,
    next: AtomicUsize,
    second_round: AtomicUsize,
    left: AtomicUsize,
}

enum Job<W, R, E> {
    Waiting(W),
    Running(R),
    Ended(E),
}

/// A job that was ended just now, for the first and only time.
pub(crate) struct Finished<W, R> {
    pub(crate) before: Before<W, R>,
    /// No job is left. Only one job is ever the last.
    pub(crate) last: bool,
}

/// What a job was before it ended: to be dropped where that may take long.
pub(crate) enum Before<W, R> {
    Waiting(W),
    Running(R),
}

impl<W, R, E> JobQueue<W, R, E> {
    /// `count` is how many there are: one allocation, whatever the iterator knows.
    pub(crate) fn new(waiting: impl Iterator<Item = W>, count: usize) -> Self {
        let mut jobs = Vec::with_capacity(count);
        jobs.extend(waiting.map(|waiting| Mutex::new(Job::Waiting(waiting))));
        JobQueue {
            next: AtomicUsize::new(0),
            second_round: AtomicUsize::new(0),
            left: AtomicUsize::new(jobs.len()),
            jobs,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// How many were claimed.
    pub(crate) fn claimed(&self) -> usize {
        self.next.load(Relaxed).min(self.len())
    }

    /// How many came up a second time.
    pub(crate) fn in_second_round(&self) -> usize {
        self.second_round.load(Relaxed).min(self.len())
    }

    /// Whether every job has ended, and what it left can be seen.
    pub(crate) fn is_done(&self) -> bool {
        // Acquire: pairs with the AcqRel in `end`.
        self.left.load(Acquire) == 0
    }

    /// Takes the next waiting job; it is running from here on.
    pub(crate) fn claim(&self, begin: impl Fn() -> R) -> Option<(usize, W)> {
        loop {
            // Not beyond the last: a counter that only grows would overflow some day.
            if self.next.load(Relaxed) >= self.len() {
                return None;
            }
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
    pub(crate) fn claim_second_round(&self) -> Option<usize> {
        let index = self.second_round.fetch_add(1, Relaxed);
        (index < self.jobs.len()).then_some(index)
    }

    /// Whether the job's second round has been. After a change under its lock the answer is certain: who comes up
    /// later sees the change, who came up earlier is seen here.
    pub(crate) fn had_second_round(&self, index: usize) -> bool {
        self.second_round.load(Relaxed) > index
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
        self.jobs[index].try_lock().is_ok_and(|job| matches!(*job, Job::Running(_)))
    }

    /// Ends a job, unless it has ended before: then that end stays.
    pub(crate) fn end(&self, index: usize, end: impl FnOnce(Option<&R>) -> E) -> Option<Finished<W, R>> {
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
        // AcqRel: the last one releases the ends of all to the thread that sees zero.
        let last = self.left.fetch_sub(1, AcqRel) == 1;
        Some(Finished { before, last })
    }

    /// Nobody will claim what is waiting now, and nothing comes up again.
    pub(crate) fn close(&self) {
        self.next.store(self.jobs.len(), Relaxed);
        self.second_round.store(self.jobs.len(), Relaxed);
    }

    /// Calls `f` with each end, in the order of the jobs.
    pub(crate) fn for_each_end(&self, range: Range<usize>, mut f: impl FnMut(&E)) {
        for job in &self.jobs[range] {
            if let Job::Ended(end) = &*lock(job) {
                f(end);
            }
        }
    }
}
