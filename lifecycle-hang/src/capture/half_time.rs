//! What threads did at half-time, so that the end can tell a deadlock from slowness.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::dump::{Facts, THREADS, Walks};
use lifecycle_os::clock::monotonic_ns;

/// In a millisecond.
const NANOS: u64 = 1_000_000;

struct HalfTimeSample {
    id: AtomicU32,
    user: AtomicU64,
    walk: AtomicU64,
    ran: AtomicU64,
}

/// Statics, not a dump that is kept: the last report must not read memory that an earlier one gives back.
static HALF_TIME: [HalfTimeSample; THREADS] = [const {
    HalfTimeSample {
        id: AtomicU32::new(0),
        user: AtomicU64::new(0),
        walk: AtomicU64::new(0),
        ran: AtomicU64::new(0),
    }
}; THREADS];

/// Milliseconds on the monotonic clock; 0 before the first half-time.
static AT: AtomicU64 = AtomicU64::new(0);

pub(crate) fn keep(facts: &Facts, walks: &Walks) {
    AT.store(0, Relaxed);
    for (index, sample) in HALF_TIME.iter().enumerate() {
        let thread = facts.thread[..facts.threads as usize].get(index);
        sample.id.store(thread.map_or(0, |thread| thread.id), Relaxed);
        sample.user.store(thread.map_or(0, |thread| thread.finding.user), Relaxed);
        sample.walk.store(walks.threads[index].hash(), Relaxed);
        sample.ran.store(thread.map_or(0, |thread| thread.ran[1]), Relaxed);
    }
    AT.store(monotonic_ns() / NANOS, Release);
}

/// Adds it to what is known now.
pub(crate) fn recall(facts: &mut Facts, walks: &Walks) {
    let at = AT.load(Acquire);
    if at == 0 {
        return;
    }
    facts.since_half = (monotonic_ns() / NANOS).saturating_sub(at);
    for (index, thread) in facts.thread[..facts.threads as usize].iter_mut().enumerate() {
        if let Some(sample) = HALF_TIME.iter().find(|sample| sample.id.load(Relaxed) == thread.id) {
            thread.half = [sample.user.load(Relaxed), sample.ran.load(Relaxed)];
            // By address, too: names may have been found at one time, and not at the other.
            thread.same_walk = u32::from(sample.walk.load(Relaxed) == walks.threads[index].hash());
        }
    }
}
