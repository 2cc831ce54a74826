//! Drivers without progress: blocked by a hook, or on a frozen runtime.

use std::time::{Duration, Instant};

/// A driver that has made no progress for so long is taken to be blocked.
const BLOCKED: Duration = Duration::from_millis(10);

/// Drivers that have not begun for so long are taken to be on a frozen runtime. Nothing is lost if it was only slow:
/// each hook is claimed once, by whichever thread comes first.
pub(super) const FROZEN: Duration = Duration::from_millis(200);

/// How long the drivers of a step have been without progress.
pub(super) struct ProgressMonitor {
    /// The last sign of progress.
    pub(super) since: Instant,
    progress: usize,
    /// How long to wait before the next look.
    pub(super) interval: Duration,
    /// Drivers to be added at the next one: each look without an end doubles them, so many blocked ones cost few looks.
    drivers: usize,
}

impl ProgressMonitor {
    pub(super) fn new(start: Instant) -> ProgressMonitor {
        ProgressMonitor { since: start, progress: 0, interval: BLOCKED, drivers: 1 }
    }

    /// How many drivers are missing: none unless an interval went by without progress. `progress` may grow by as many as
    /// were added and blocked at once: that is no sign that the next ones will not.
    pub(super) fn missing(&mut self, progress: usize) -> usize {
        if self.since.elapsed() < self.interval && progress == self.progress {
            return 0;
        }
        if progress > self.progress {
            let blocked_at_once = progress - self.progress <= self.drivers;
            let drivers = if blocked_at_once { self.drivers } else { 1 };
            *self = ProgressMonitor { progress, drivers, ..ProgressMonitor::new(Instant::now()) };
            return 0;
        }
        self.interval = (self.interval * 2).min(FROZEN);
        let drivers = self.drivers;
        self.drivers = drivers.saturating_mul(2).min(MOST);
        drivers
    }
}

/// Added at a time.
const MOST: usize = 1024;
