//! The judgement over the calls that are under way: each as a heartbeat of its own, by the same ticks.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::calls::{Seen, Slot};
use super::judge::{Judgement, STARVED_LIMITS, STEADY, Tick};
use crate::os::clock::nanos;

/// What the ticks of the watchdog add up to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ticked {
    /// What can be held against whoever does not beat, and all of it but stops.
    pub(super) credited: Duration,
    wall: Duration,
    /// Ticks in a row that were on time.
    steady: u32,
}

impl Ticked {
    pub(super) fn add(&mut self, tick: Tick) {
        self.credited = self.credited.saturating_add(tick.credit());
        self.wall = self.wall.saturating_add(tick.starved());
        self.steady = if tick.on_time() { self.steady.saturating_add(1) } else { 0 };
    }
}

/// What the calls of one heartbeat come to at one tick.
#[derive(Default)]
pub(super) struct Tally {
    /// Under way.
    pub(super) calls: u32,
    /// Whether one of them is judged alone: it is as late as all of them at least.
    pub(super) is_judged: bool,
    /// The longest time without a beat of those.
    pub(super) worst: Duration,
    pub(super) is_half: bool,
    pub(super) hung: Option<&'static Slot>,
}

impl Tally {
    pub(super) fn add(&mut self, slot: &'static Slot, limit: Duration, is_excused: bool, now: Ticked) {
        self.calls += 1;
        let (age, judgement) = slot.seen().observe(slot.beats(), limit, is_excused, now);
        if slot.caller().as_one {
            return;
        }
        self.is_judged = true;
        self.worst = self.worst.max(age);
        match judgement {
            Judgement::Fine => {}
            Judgement::Half => self.is_half = true,
            Judgement::Hung => self.hung = Some(slot),
        }
    }
}

impl Seen {
    /// Also how long it has not beaten.
    pub(super) fn observe(
        &self,
        beats: u64,
        limit: Duration,
        is_excused: bool,
        now: Ticked,
    ) -> (Duration, Judgement) {
        if is_excused || self.beats.load(Relaxed) != beats {
            self.reset(beats, now);
            return (Duration::ZERO, Judgement::Fine);
        }
        let since = |then: u64, now: Duration| now.saturating_sub(Duration::from_nanos(then));
        let age = since(self.since.load(Relaxed), now.credited);
        let wall = since(self.since_wall.load(Relaxed), now.wall);
        if (age >= limit && now.steady >= STEADY) || wall >= limit.saturating_mul(STARVED_LIMITS) {
            return (age, Judgement::Hung);
        }
        let is_half = age.saturating_mul(2) >= limit && !self.warned.swap(true, Relaxed);
        (age, if is_half { Judgement::Half } else { Judgement::Fine })
    }

    /// Nothing is held against it.
    pub(super) fn reset(&self, beats: u64, now: Ticked) {
        self.beats.store(beats, Relaxed);
        self.since.store(nanos(now.credited), Relaxed);
        self.since_wall.store(nanos(now.wall), Relaxed);
        self.warned.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(1000);

    fn tick(elapsed: u64, throttled: u64) -> Tick {
        Tick {
            planned: Duration::from_millis(100),
            elapsed: Duration::from_millis(elapsed),
            throttled: Duration::from_millis(throttled),
        }
    }

    /// The first of these ticks, in milliseconds of which so many are throttled, at which a call that has beaten once hangs;
    /// and how often half of its time was over.
    fn hangs(ticks: impl IntoIterator<Item = (u64, u64)>) -> (Option<usize>, usize) {
        let (seen, mut now, mut halves) = (Seen::default(), Ticked::default(), 0);
        now.add(tick(100, 0));
        assert_eq!(seen.observe(1, LIMIT, false, now).1, Judgement::Fine);
        let hung = ticks.into_iter().position(|(elapsed, throttled)| {
            now.add(tick(elapsed, throttled));
            let judgement = seen.observe(1, LIMIT, false, now).1;
            halves += usize::from(judgement == Judgement::Half);
            judgement == Judgement::Hung
        });
        (hung, halves)
    }

    #[test]
    fn a_call_is_judged_by_the_ticks_of_a_heartbeat() {
        assert_eq!(hangs([(100, 0); 9]), (None, 1));
        assert_eq!(hangs([(100, 0); 10]), (Some(9), 1));
        let stopped = |at: usize, stop: u64| (0..20).map(move |n| (if n == at { stop } else { 100 }, 0));
        assert_eq!(hangs(stopped(8, 3_600_000)), (Some(11), 1), "three steady ticks after it");
        assert_eq!(hangs([(30_000, 0); 8]).0, None, "stopped again and again");
        assert_eq!(hangs([(250, 0); 120]).0, Some(39), "ten limits of a starved process");
        assert_eq!(hangs([(100, 95); 120]).0, Some(99), "ten limits of a throttled one");
    }

    #[test]
    fn a_beat_or_an_excuse_starts_anew() {
        let (seen, mut now) = (Seen::default(), Ticked::default());
        for round in 0..50 {
            assert_eq!(
                seen.observe(round / 2, LIMIT, round % 2 == 1, now),
                (Duration::ZERO, Judgement::Fine)
            );
            for _ in 0..4 {
                now.add(tick(100, 0));
                assert_eq!(seen.observe(round / 2, LIMIT, false, now).1, Judgement::Fine);
            }
        }
    }
}
