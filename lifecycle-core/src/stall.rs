//! Drivers without progress: blocked by a hook, or on a frozen runtime.

use std::time::{Duration, Instant};

/// A driver that has made no progress for so long is taken to be blocked.
const STALL: Duration = Duration::from_millis(10);

/// Drivers that have not begun for so long are taken to be on a frozen runtime. Nothing is lost if it was only slow:
/// each hook is claimed once, by whichever runtime comes first.
pub(crate) const FROZEN: Duration = Duration::from_millis(200);

/// How long the drivers of a step have been without progress.
pub(crate) struct Stall {
    /// The last sign of progress.
    pub(crate) since: Instant,
    progress: usize,
    /// How long to wait before the next look.
    pub(crate) patience: Duration,
}

impl Stall {
    pub(crate) fn new(start: Instant) -> Stall {
        Stall { since: start, progress: 0, patience: STALL }
    }

    /// Whether a patience went by without progress; the next one is longer.
    pub(crate) fn is_over(&mut self, progress: usize) -> bool {
        if progress != self.progress {
            *self = Stall { since: Instant::now(), progress, patience: STALL };
            return false;
        }
        let over = self.since.elapsed() >= self.patience;
        if over {
            self.patience = (self.patience * 2).min(FROZEN);
        }
        over
    }
}
