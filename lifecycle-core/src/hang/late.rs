//! A look at a hook that is about to be late: what it waits for must be seen before it is dropped.

use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{Acquire, Release};

const UNDECIDED: u8 = 0;
const LATE: u8 = 1;
const IN_TIME: u8 = 2;

/// Of one step of one shutdown: asked for by whoever runs it, taken by the reporter.
#[derive(Clone, Debug, Default)]
pub(crate) struct LateLook(Arc<AtomicU8>);

impl LateLook {
    /// The step is over: what was seen is printed, or forgotten.
    pub(crate) fn settle(&self, was_late: bool) {
        self.0.store(if was_late { LATE } else { IN_TIME }, Release);
    }

    pub(super) fn is_settled(&self) -> bool {
        self.0.load(Acquire) != UNDECIDED
    }

    pub(super) fn was_late(&self) -> bool {
        self.0.load(Acquire) == LATE
    }
}
