//! Which run is current, and whether it goes on: one word, so that nobody sees a part of a change.
//!
//! | state | meaning | next |
//! |---|---|---|
//! | `2 n` | run n goes on | `2 n + 1`, when it stops |
//! | `2 n + 1` | run n stops, or has stopped | `2 m`, when run m begins |

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;

use crate::os::sync::{AtomicU32, Mutex, lock};

/// `B` is the birth of a thread.
pub(crate) struct Generations<B> {
    pub(crate) state: AtomicU32,
    pub(crate) hosts: Mutex<Hosts<B>>,
}

/// Births of the threads that host the first run and the current one.
pub(crate) struct Hosts<B> {
    pub(crate) first: Option<B>,
    pub(crate) current: Option<B>,
}

const STOPPING: u32 = 1;

/// What a thread is bound to: the state of a run that goes on, or one of these, which no run has.
pub(crate) const UNBOUND: u32 = 0;
/// Older than the first run.
const OF_THE_PROCESS: u32 = u32::MAX;
const LEFT_BEHIND: u32 = u32::MAX - 2;

/// The state of a run that goes on.
pub(crate) const fn of(generation: u32) -> u32 {
    generation << 1
}

impl<B: Copy + Ord> Generations<B> {
    /// Whether the run that the asking thread belongs to goes on.
    #[inline]
    pub(crate) fn is_running(&self, bound: &Cell<u32>, birth: impl Fn() -> Option<B>) -> bool {
        // Relaxed: nothing else is published with it; the token has an order.
        let state = self.state.load(Relaxed);
        bound.get() == state || state & STOPPING == 0 && !self.is_bound_elsewhere(bound, state, birth)
    }

    /// Whether the asking thread was left behind by an earlier run.
    #[inline]
    pub(crate) fn is_left_behind(&self, bound: &Cell<u32>, birth: impl Fn() -> Option<B>) -> bool {
        self.is_bound_elsewhere(bound, self.state.load(Relaxed), birth)
    }

    #[inline]
    fn is_bound_elsewhere(&self, bound: &Cell<u32>, state: u32, birth: impl Fn() -> Option<B>) -> bool {
        if bound.get() == UNBOUND {
            bound.set(self.bind(birth()));
        }
        bound.get() != state & !STOPPING && bound.get() != OF_THE_PROCESS
    }

    #[cold]
    fn bind(&self, birth: Option<B>) -> u32 {
        let hosts = lock(&self.hosts);
        match (birth, hosts.first, hosts.current) {
            (Some(own), Some(first), _) if own < first => OF_THE_PROCESS,
            (Some(own), _, Some(host)) if own < host => LEFT_BEHIND,
            (_, None, _) => OF_THE_PROCESS,
            // Under the lock, so that it is the host's.
            _ => self.state.load(Relaxed) & !STOPPING,
        }
    }

    /// The asking thread hosts a run that begins.
    pub(crate) fn begin(&self, generation: u32, bound: &Cell<u32>, birth: Option<B>) {
        let mut hosts = lock(&self.hosts);
        hosts.first = hosts.first.or(birth);
        hosts.current = birth;
        self.state.store(of(generation), Relaxed);
        drop(hosts);
        bound.set(of(generation));
    }

    /// The run stops, if it is the current one: who stops it may be so late that the next has begun.
    pub(crate) fn stop(&self, generation: u32) {
        let run = of(generation);
        let _ = self.state.compare_exchange(run, run | STOPPING, Relaxed, Relaxed);
    }
}
