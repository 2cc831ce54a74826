//! The restart rule: a pure function of the crashes so far.

#[cfg(test)]
pub(crate) mod properties;

use std::time::Duration;

#[cfg(any(test, fuzzing))]
use crate::config::options::RestartOptions;
use crate::config::resolve::RestartPolicy;

/// A crash of the past, as the rule sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PastCrash {
    /// How long ago, waits not counted.
    pub(crate) age: Duration,
    /// How long the run had been up.
    pub(crate) uptime: Duration,
    /// What was decided after it; zero for the crash that is to be answered.
    pub(crate) wait: Duration,
}

/// What is done about the newest crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Before the next try; zero restarts at once.
    pub(crate) wait: Duration,
    /// Crashes inside the window, the newest one included.
    pub(crate) crashes: u32,
}

impl RestartPolicy {
    /// That of the default options.
    #[cfg(any(test, fuzzing))]
    pub(crate) const DEFAULT: RestartPolicy = {
        let RestartOptions {
            max_crashes, within, wait, factor, max_wait, max_retry_after, first_wait, ..
        } = RestartOptions::DEFAULT;
        RestartPolicy { max_crashes, within, wait, factor, max_wait, first_wait, jitter: 0, max_retry_after }
    };

    /// Answers the newest crash, the last of `history`.
    pub(crate) fn decide(&self, history: &[PastCrash]) -> Decision {
        let inside = history.iter().filter(|crash| crash.age < self.within).count();
        let crashes = u32::try_from(inside).unwrap_or(u32::MAX);
        let wait = if crashes > self.max_crashes { self.next_wait(history) } else { self.first_wait };
        Decision { wait, crashes }
    }

    /// The same with its wait longer by a random part, up to `jitter`: replicas that crash together do not come back together.
    /// `luck` is a random number.
    pub(crate) fn spread(&self, decision: Decision, luck: u64) -> Decision {
        Decision { wait: self.longer(decision.wait, luck % 1000).min(self.max_wait), ..decision }
    }

    /// `luck` is in thousandths of the jitter.
    fn longer(&self, wait: Duration, luck: u64) -> Duration {
        let part = f64::from(self.jitter) / 1e3 * luck as f64 / 1e3;
        wait.saturating_add(wait.mul_f64(part))
    }

    /// `wait * factor^n`, where n counts the waits since a run last stayed up for `within`.
    fn next_wait(&self, history: &[PastCrash]) -> Duration {
        let stable = history.iter().rposition(|crash| crash.uptime >= self.within).unwrap_or(0);
        let first = self.longer(self.first_wait, 999);
        let waits = history[stable..].iter().filter(|crash| crash.wait > first).count();
        let factor = self.factor.checked_pow(u32::try_from(waits).unwrap_or(u32::MAX)).unwrap_or(u32::MAX);
        self.wait.saturating_mul(factor).min(self.max_wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RestartPolicy = RestartPolicy::DEFAULT;

    /// Runs the rule over a life of crashes: each run is up for that many seconds. Returns the waits in seconds.
    fn waits(policy: &RestartPolicy, uptimes: &[u64]) -> Vec<u64> {
        let mut history: Vec<PastCrash> = Vec::new();
        for &uptime in uptimes {
            let uptime = Duration::from_secs(uptime);
            for crash in &mut history {
                crash.age += uptime;
            }
            history.push(PastCrash { age: Duration::ZERO, uptime, wait: Duration::ZERO });
            let decision = policy.decide(&history);
            history.last_mut().expect("just pushed").wait = decision.wait;
        }
        history.iter().map(|crash| crash.wait.as_secs()).collect()
    }

    #[test]
    fn the_rule_by_example() {
        for (what, uptimes, expected) in [
            ("fast loop", &[0, 0, 0, 0, 0, 0, 0, 0, 0][..], &[0, 0, 0, 60, 120, 240, 300, 300, 300][..]),
            ("slow loop of 101 s: never more than three in the window", &[101; 9], &[0; 9]),
            ("loop of 99 s: the first is three seconds short of the window", &[99; 5], &[0, 0, 0, 60, 120]),
            ("hang loop of 61 s", &[61; 6], &[0, 0, 0, 60, 120, 240]),
            ("up for the window after a wait", &[0, 0, 0, 0, 300, 0, 0, 0], &[0, 0, 0, 60, 0, 0, 0, 60]),
            ("not quite", &[0, 0, 0, 0, 0, 299, 299, 0, 0], &[0, 0, 0, 60, 120, 240, 0, 0, 300]),
        ] {
            assert_eq!(waits(&POLICY, uptimes), expected, "{what}");
        }
    }

    #[test]
    fn a_factor_of_one_waits_the_same_each_time() {
        let policy = RestartPolicy { factor: 1, ..POLICY };
        assert_eq!(waits(&policy, &[0; 8]), [0, 0, 0, 60, 60, 60, 60, 60]);
    }

    #[test]
    fn a_first_wait_is_waited_after_each_crash_that_does_not_wait_longer_and_is_no_level() {
        let policy = RestartPolicy { first_wait: Duration::from_secs(2), ..POLICY };
        assert_eq!(waits(&policy, &[0; 6]), [2, 2, 2, 60, 120, 240]);
    }

    #[test]
    fn jitter_makes_a_wait_longer_by_a_part_up_to_the_longest() {
        let policy = RestartPolicy { jitter: 500, ..POLICY };
        let spread = |seconds, luck| {
            let decision = Decision { wait: Duration::from_secs(seconds), crashes: 4 };
            policy.spread(decision, luck).wait.as_secs()
        };
        assert_eq!((spread(100, 0), spread(100, 500), spread(100, 1999)), (100, 125, 149));
        assert_eq!((spread(0, 999), spread(300, 999)), (0, 300));
    }

    #[test]
    fn a_long_life_does_not_overflow() {
        assert_eq!(waits(&POLICY, &[0; 100])[99], 300);
        let policy = RestartPolicy { factor: u32::MAX, ..POLICY };
        assert_eq!(waits(&policy, &[0; 100])[99], 300);
    }
}
