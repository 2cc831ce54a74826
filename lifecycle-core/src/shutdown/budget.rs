//! The deadline rule: how much of what is left a step may take.

use std::time::Duration;

/// How long a shutdown may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) whole: Duration,
    pub(crate) drain: Duration,
}

/// Half of a step's proportional share is its floor, which no earlier step can take from it. What those do not use flows on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floors {
    whole: Duration,
    /// The sum over all steps that were ever ahead, the drain among them.
    timeouts: Duration,
}

impl Floors {
    pub(super) fn new(whole: Duration) -> Floors {
        Floors { whole, timeouts: Duration::ZERO }
    }

    /// Steps with these timeouts have come up: a service that is stopped while it starts manages most of its components in
    /// its shutdown, and they share it as if they had been there.
    pub(super) fn grow(&mut self, timeouts: Duration) {
        self.timeouts = self.timeouts.saturating_add(timeouts);
    }

    /// The part of a timeout that is its step's floor.
    fn part(self) -> f64 {
        let Floors { whole, timeouts } = self;
        if timeouts > whole { whole.as_secs_f64() / timeouts.as_secs_f64() / 2.0 } else { 0.5 }
    }

    /// What a step with this timeout gets, where the timeouts of those behind it add up to `later`.
    pub(super) fn allot(self, timeout: Duration, later: Duration, left: Duration) -> Duration {
        timeout.min(left.saturating_sub(later.mul_f64(self.part())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each step gets if it takes `used` of it.
    fn allotted(whole: f64, timeouts: &[f64], used: impl Fn(f64) -> f64) -> Vec<f64> {
        let seconds = Duration::from_secs_f64;
        let mut floors = Floors::new(seconds(whole));
        floors.grow(seconds(timeouts.iter().sum()));
        let mut left = whole;
        let step = |(index, timeout): (usize, &f64)| {
            let later: f64 = timeouts[index + 1..].iter().sum();
            let got = floors.allot(seconds(*timeout), seconds(later), seconds(left)).as_secs_f64();
            left -= used(got);
            got
        };
        timeouts.iter().enumerate().map(step).collect()
    }

    #[test]
    fn a_step_gets_its_timeout_as_long_as_the_floors_behind_it_hold() {
        for (what, whole, timeouts, hang, expected) in [
            ("all fit", 25.0, &[5.0, 5.0, 5.0][..], true, &[5.0, 5.0, 5.0][..]),
            ("each hangs", 4.0, &[3.0, 1.0, 4.0], true, &[2.75, 0.25, 1.0]),
            ("none uses its time", 4.0, &[3.0, 1.0, 4.0], false, &[2.75, 1.0, 4.0]),
            (
                "a slow persist behind steps that are quick",
                25.0,
                &[5.0, 5.0, 10.0, 15.0],
                false,
                &[5.0, 5.0, 10.0, 15.0],
            ),
            ("no time", 0.0, &[3.0, 1.0], true, &[0.0, 0.0]),
        ] {
            let got = allotted(whole, timeouts, |got| if hang { got } else { 0.0 });
            let close = got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-6);
            assert!(close && got.len() == expected.len(), "{what}: {got:?}");
        }
    }

    #[test]
    fn no_step_is_starved_whatever_the_earlier_ones_take() {
        for whole in [1.0, 10.0, 25.0, 100.0] {
            let timeouts = [5.0, 30.0, 5.0, 0.5, 10.0];
            let sum: f64 = timeouts.iter().sum();
            for (got, timeout) in allotted(whole, &timeouts, |got| got).iter().zip(timeouts) {
                let floor = timeout * (whole / sum).min(1.0) / 2.0;
                assert!(*got >= floor - 1e-6, "{whole} {timeout}: {got}");
            }
        }
    }

    #[test]
    fn timeouts_beyond_all_measure_do_not_overflow() {
        let mut floors = Floors::new(Duration::from_secs(25));
        floors.grow(Duration::MAX);
        assert_eq!(
            floors.allot(Duration::MAX, Duration::ZERO, Duration::from_secs(3)),
            Duration::from_secs(3)
        );
    }
}
