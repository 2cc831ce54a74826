//! When a service manager is told that every heartbeat is fresh.

use std::time::{Duration, Instant};

use super::Actions;

/// A process that wakes up more often does little else.
const SHORTEST: Duration = Duration::from_millis(5);

pub(super) struct Pings {
    interval: Option<Duration>,
    send: fn(),
    last: Option<Instant>,
    is_fresh: bool,
}

impl Pings {
    pub(super) fn new(actions: Actions) -> Pings {
        let interval = actions.ping_interval.map(|interval| interval.max(SHORTEST));
        Pings { interval, send: actions.ping, last: None, is_fresh: true }
    }

    /// Time to the next one; `None` if there is none to come, as far as is known.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let interval = self.interval.filter(|_| self.is_fresh)?;
        Some(self.last.map_or(Duration::ZERO, |last| (last + interval).saturating_duration_since(now)))
    }

    /// Sends one that is due, unless a heartbeat is stale: then it follows as soon as none is.
    pub(super) fn advance(&mut self, is_fresh: bool) {
        self.is_fresh = is_fresh;
        let now = Instant::now();
        if self.left(now).is_some_and(|left| left.is_zero()) {
            (self.send)();
            self.last = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    static SENT: AtomicU32 = AtomicU32::new(0);

    #[test]
    fn a_ping_is_sent_when_it_is_due_and_all_is_fresh() {
        let send = || {
            SENT.fetch_add(1, Relaxed);
        };
        let hour = Some(Duration::from_secs(3600));
        let mut pings = Pings { interval: hour, send, last: None, is_fresh: true };
        pings.advance(false);
        assert_eq!((SENT.load(Relaxed), pings.left(Instant::now())), (0, None));
        pings.advance(true);
        pings.advance(true);
        assert_eq!(SENT.load(Relaxed), 1, "the next one is due in an hour");
        let left = pings.left(Instant::now()).expect("a next one");
        assert!(left > Duration::ZERO && Some(left) <= hour, "{left:?}");
        let mut none = Pings { interval: None, ..pings };
        none.advance(true);
        assert_eq!((SENT.load(Relaxed), none.left(Instant::now())), (1, None));
    }
}
