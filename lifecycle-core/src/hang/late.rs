//! Steps of a shutdown with a hook that is about to be late, each known by a number.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// The orchestrator asks and settles, one step at a time; the reporter follows, and leaves out what it is too slow for.
pub(super) struct Late {
    asked: AtomicU32,
    settled: AtomicU32,
    done: AtomicU32,
    /// A bit for each of the last 64.
    late: AtomicU64,
}

impl Late {
    pub(super) const fn new() -> Late {
        Late {
            asked: AtomicU32::new(0),
            settled: AtomicU32::new(0),
            done: AtomicU32::new(0),
            late: AtomicU64::new(0),
        }
    }

    pub(super) fn ask(&self) {
        self.asked.fetch_add(1, AcqRel);
    }

    /// Nothing happens if nobody asked in this step.
    pub(super) fn settle(&self, was_late: bool) {
        let step = self.asked.load(Relaxed);
        if self.settled.load(Relaxed) == step {
            return;
        }
        let bit = 1 << (step % 64);
        if was_late {
            self.late.fetch_or(bit, Relaxed);
        } else {
            self.late.fetch_and(!bit, Relaxed);
        }
        // Release: who sees the step settled sees how.
        self.settled.store(step, Release);
    }

    /// The step to be looked at.
    pub(super) fn next(&self) -> Option<u32> {
        let step = self.asked.load(Acquire);
        (step != self.done.load(Relaxed)).then_some(step)
    }

    pub(super) fn is_settled(&self, step: u32) -> bool {
        self.settled.load(Acquire) >= step
    }

    pub(super) fn was_late(&self, step: u32) -> bool {
        self.late.load(Relaxed) & 1 << (step % 64) != 0
    }

    pub(super) fn done(&self, step: u32) {
        self.done.store(step, Release);
    }

    /// Whether a hook was late and its report is not out.
    pub(super) fn is_awaited(&self) -> bool {
        let step = self.asked.load(Acquire);
        self.done.load(Acquire) != step && self.is_settled(step) && self.was_late(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_late_step_is_awaited() {
        let late = Late::new();
        late.settle(true);
        assert!(late.next().is_none() && !late.is_awaited(), "nobody asked");
        late.ask();
        assert_eq!(late.next(), Some(1));
        assert!(!late.is_settled(1));
        late.settle(false);
        assert!(late.is_settled(1) && !late.was_late(1) && !late.is_awaited());
        late.done(1);
        late.ask();
        late.settle(true);
        assert!(late.is_awaited() && late.was_late(2));
        late.done(2);
        assert!(late.next().is_none() && !late.is_awaited());
    }
}
