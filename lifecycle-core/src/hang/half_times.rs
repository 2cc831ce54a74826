//! A heartbeat that comes late again and again is reported once an hour: a report costs more than the warning about it.

use std::time::{Duration, Instant};

use crate::model::place::Place;
use crate::watchdog::heartbeat::Heartbeat;

/// From one report of a cause to the next.
const INTERVAL: Duration = Duration::from_secs(3600);

/// What was reported of half-times.
#[derive(Default)]
pub(super) struct HalfTimes {
    causes: Vec<Reported>,
}

struct Reported {
    heartbeat: &'static Heartbeat,
    inside: Option<&'static Place>,
    at: Instant,
    /// Since then.
    left_out: u32,
}

impl HalfTimes {
    /// Whether a half-time is reported, and then how many of its cause were left out since the last one.
    pub(super) fn admit(&mut self, heartbeat: &'static Heartbeat, now: Instant) -> Option<u32> {
        let inside = heartbeat.inside();
        let is_same =
            |known: &&mut Reported| std::ptr::eq(known.heartbeat, heartbeat) && known.inside == inside;
        let Some(known) = self.causes.iter_mut().find(is_same) else {
            self.causes.push(Reported { heartbeat, inside, at: now, left_out: 0 });
            return Some(0);
        };
        if now.saturating_duration_since(known.at) < INTERVAL {
            known.left_out += 1;
            return None;
        }
        known.at = now;
        Some(std::mem::take(&mut known.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watchdog::breadcrumb::{self, Call};
    use crate::watchdog::calls::Caller;
    use crate::watchdog::heartbeat::Arm;

    const PLACE: Place = Place { file: "src/feed.rs", line: 7 };
    static FEED: Heartbeat = Heartbeat::declare("feed", None, Arm::FirstBeat, PLACE);
    static TICK: Heartbeat = Heartbeat::declare("tick", None, Arm::FirstBeat, PLACE);
    static AWAIT: Place = Place { file: "src/feed.rs", line: 9 };

    #[test]
    fn one_cause_is_reported_once_an_hour_and_counted_in_between() {
        let (mut half_times, start) = (HalfTimes::default(), Instant::now());
        let mut at = |heartbeat, seconds| half_times.admit(heartbeat, start + Duration::from_secs(seconds));
        assert_eq!(
            (at(&FEED, 0), at(&FEED, 1), at(&TICK, 1), at(&FEED, 3599)),
            (Some(0), None, Some(0), None)
        );
        assert_eq!((at(&FEED, 3600), at(&FEED, 3601), at(&TICK, 7000)), (Some(2), None, Some(0)));
        let call = Call::begin(&FEED, Caller { task: 0, thread: 0, as_one: false });
        breadcrumb::at((), &call, &AWAIT);
        assert_eq!((at(&FEED, 3602), at(&FEED, 3603)), (Some(0), None), "at another await: another cause");
    }
}
