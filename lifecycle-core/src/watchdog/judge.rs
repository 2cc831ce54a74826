//! The judgement over one heartbeat: pure, and by ticks that were really seen.

use std::time::Duration;

/// Ticks in a row that must have been on time before a heartbeat expires.
pub(super) const STEADY: u32 = 3;

/// A machine so starved that no ticks are on time must not save a hung process for ever: ten limits are enough.
pub(super) const STARVED_LIMITS: u32 = 10;

/// What one tick counts at most beyond its length: a process that was stopped for an hour was not starved for an hour.
const LATEST: Duration = Duration::from_millis(500);

/// One tick of the watchdog, as it was planned and as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    pub(crate) planned: Duration,
    pub(crate) elapsed: Duration,
    /// Of it, the time in which the kernel gave the process no processor.
    pub(crate) throttled: Duration,
}

impl Tick {
    /// What it credits: at most its own length, so that a paused or starved process does not look hung, and of that
    /// only the part in which the process could run.
    pub(crate) fn credit(self) -> Duration {
        let credit = self.elapsed.min(self.planned);
        if self.throttled.is_zero() || self.elapsed.is_zero() {
            return credit;
        }
        let ran = self.elapsed.saturating_sub(self.throttled);
        credit.mul_f64(ran.as_secs_f64() / self.elapsed.as_secs_f64())
    }

    /// What it counts towards the ceiling of a starved process.
    pub(super) fn starved(self) -> Duration {
        self.elapsed.min(self.planned.saturating_add(LATEST))
    }

    pub(super) fn on_time(self) -> bool {
        self.elapsed <= self.planned.saturating_mul(2)
    }
}

/// What the watchdog remembers of one heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeartbeatMonitor {
    seen: u64,
    /// Whether it has beaten in this run.
    beaten: bool,
    /// Time without a beat, in credited ticks.
    pub(crate) stale: Duration,
    /// Time without a beat by the wall clock, stops left out.
    wall: Duration,
    steady: u32,
    warned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Fine,
    /// Half of the limit is over: said once until the next beat.
    Half,
    Hung,
}

/// The limits of one heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) beating: Duration,
    /// Until its first beat in a run; `None` does not judge before it.
    pub(crate) startup: Option<Duration>,
}

impl HeartbeatMonitor {
    /// At the start of a run.
    pub(crate) fn new(beats: u64) -> HeartbeatMonitor {
        HeartbeatMonitor {
            seen: beats,
            beaten: false,
            stale: Duration::ZERO,
            wall: Duration::ZERO,
            steady: 0,
            warned: false,
        }
    }

    pub(crate) fn has_beaten(&self) -> bool {
        self.beaten
    }

    /// Nothing is held against it: it beat, or it is paused.
    pub(crate) fn reset(&mut self) {
        (self.stale, self.wall, self.warned) = (Duration::ZERO, Duration::ZERO, false);
    }

    pub(crate) fn observe(&mut self, beats: u64, tick: Tick, limits: Limits) -> Judgement {
        self.steady = if tick.on_time() { self.steady + 1 } else { 0 };
        if beats != self.seen {
            self.seen = beats;
            self.beaten = true;
            self.reset();
            return Judgement::Fine;
        }
        let limit = if self.beaten { Some(limits.beating) } else { limits.startup };
        let Some(limit) = limit else { return Judgement::Fine };
        self.stale = self.stale.saturating_add(tick.credit());
        self.wall = self.wall.saturating_add(tick.starved());
        let starved = self.wall >= limit.saturating_mul(STARVED_LIMITS);
        if (self.stale >= limit && self.steady >= STEADY) || starved {
            return Judgement::Hung;
        }
        let half = self.stale.saturating_mul(2) >= limit && !self.warned;
        self.warned |= half;
        if half { Judgement::Half } else { Judgement::Fine }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(1000);
    const LIMITS: Limits = Limits { beating: LIMIT, startup: Some(Duration::from_millis(3000)) };

    fn tick(elapsed: u64) -> Tick {
        Tick {
            planned: Duration::from_millis(100),
            elapsed: Duration::from_millis(elapsed),
            throttled: Duration::ZERO,
        }
    }

    /// A monitor that has beaten once, and then the judgements of ticks of these lengths without a beat.
    fn judgements(ticks: &[u64]) -> Vec<Judgement> {
        let mut monitor = HeartbeatMonitor::new(0);
        assert_eq!(monitor.observe(1, tick(100), LIMITS), Judgement::Fine);
        ticks.iter().map(|&elapsed| monitor.observe(1, tick(elapsed), LIMITS)).collect()
    }

    #[test]
    fn half_is_said_once_and_the_limit_is_exact() {
        let judged = judgements(&[100; 10]);
        assert_eq!(judged[..4], [Judgement::Fine; 4]);
        assert_eq!(judged[4], Judgement::Half);
        assert_eq!(judged[5..9], [Judgement::Fine; 4]);
        assert_eq!(judged[9], Judgement::Hung);
    }

    #[test]
    fn a_pause_of_hours_credits_one_tick_and_delays_the_verdict() {
        let judged = judgements(&[100, 100, 100, 100, 100, 100, 100, 100, 3_600_000, 100, 100, 100]);
        assert_eq!(
            judged.iter().position(|j| *j == Judgement::Hung),
            Some(11),
            "three steady ticks after it"
        );
    }

    #[test]
    fn starvation_has_a_ceiling() {
        let judged = judgements(&[250; 120]);
        assert_eq!(judged.iter().position(|j| *j == Judgement::Hung), Some(39), "ten limits");
    }

    #[test]
    fn a_stop_of_any_length_is_no_verdict() {
        for stop in [20_000, 3_600_000] {
            let judged = judgements(&[100, stop, 100, 100, 100, 100, 100, 100]);
            assert!(!judged.contains(&Judgement::Hung), "{stop}");
        }
        let judged = judgements(&[30_000; 8]);
        assert!(!judged.contains(&Judgement::Hung), "stopped again and again");
    }

    #[test]
    fn throttled_time_is_not_held_against_a_heartbeat_up_to_ten_limits() {
        let throttled = Tick { throttled: Duration::from_millis(95), ..tick(100) };
        let mut monitor = HeartbeatMonitor::new(0);
        assert_eq!(monitor.observe(1, tick(100), LIMITS), Judgement::Fine);
        let hung = (1..).find(|_| monitor.observe(1, throttled, LIMITS) == Judgement::Hung);
        assert_eq!(hung, Some(100), "ten limits of the wall clock");
    }

    #[test]
    fn limits_beyond_all_measure_do_not_overflow() {
        for limit in [Duration::MAX, Duration::from_secs(u64::MAX)] {
            let limits = Limits { beating: limit, startup: Some(limit) };
            let mut monitor = HeartbeatMonitor::new(0);
            assert!((0..1000).all(|_| monitor.observe(1, tick(1_000_000), limits) == Judgement::Fine));
        }
    }

    #[test]
    fn before_the_first_beat_the_startup_limit_counts() {
        let mut monitor = HeartbeatMonitor::new(7);
        let hung = (1..).find(|_| monitor.observe(7, tick(100), LIMITS) == Judgement::Hung);
        assert_eq!(hung, Some(30));
        let mut monitor = HeartbeatMonitor::new(7);
        let unarmed = Limits { startup: None, ..LIMITS };
        assert!((0..1000).all(|_| monitor.observe(7, tick(100), unarmed) == Judgement::Fine));
    }

    #[test]
    fn a_beat_or_an_excuse_starts_anew() {
        let mut monitor = HeartbeatMonitor::new(0);
        for beats in 1..50 {
            assert_eq!(monitor.observe(beats, tick(100), LIMITS), Judgement::Fine);
            assert!((0..4).all(|_| monitor.observe(beats, tick(100), LIMITS) == Judgement::Fine));
        }
        for _ in 0..50 {
            monitor.reset();
            assert_eq!(monitor.observe(49, tick(100), LIMITS), Judgement::Fine);
        }
    }
}
