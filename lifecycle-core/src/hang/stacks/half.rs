//! What threads did at half-time, so that the end can tell a deadlock from slowness.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::dump::{Facts, THREADS, Walks};
use crate::os::clock::monotonic_ns;

/// In a millisecond.
const NANOS: u64 = 1_000_000;

struct HalfTimeSample {
    id: AtomicU32,
    user: AtomicU64,
    walk: AtomicU64,
    ran: AtomicU64,
}

/// Statics, not a dump that is kept: the last report must not read memory that an earlier one gives back.
static THEN: [HalfTimeSample; THREADS] = [const {
    HalfTimeSample {
        id: AtomicU32::new(0),
        user: AtomicU64::new(0),
        walk: AtomicU64::new(0),
        ran: AtomicU64::new(0),
    }
}; THREADS];

/// Milliseconds on the monotonic clock; 0 before the first half-time.
static AT: AtomicU64 = AtomicU64::new(0);

pub(super) fn keep(facts: &Facts, walks: &Walks) {
    AT.store(0, Relaxed);
    for (index, then) in THEN.iter().enumerate() {
        let thread = facts.thread[..facts.threads as usize].get(index);
        then.id.store(thread.map_or(0, |thread| thread.id), Relaxed);
        then.user.store(thread.map_or(0, |thread| thread.finding.user), Relaxed);
        then.walk.store(walks.threads[index].hash(), Relaxed);
        then.ran.store(thread.map_or(0, |thread| thread.ran[1]), Relaxed);
    }
    AT.store(monotonic_ns() / NANOS, Release);
}

/// Adds it to what is known now.
pub(super) fn recall(facts: &mut Facts, walks: &Walks) {
    let at = AT.load(Acquire);
    if at == 0 {
        return;
    }
    facts.since_half = (monotonic_ns() / NANOS).saturating_sub(at);
    for (index, thread) in facts.thread[..facts.threads as usize].iter_mut().enumerate() {
        if let Some(then) = THEN.iter().find(|then| then.id.load(Relaxed) == thread.id) {
            thread.half = [then.user.load(Relaxed), then.ran.load(Relaxed)];
            // By address, too: names may have been found at one time, and not at the other.
            thread.same_walk = u32::from(then.walk.load(Relaxed) == walks.threads[index].hash());
        }
    }
}
