//! What holds for every policy and every life of crashes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn seconds(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_secs)
}

pub(crate) fn policies() -> impl Strategy<Value = RestartPolicy> {
    (0_u32..6, seconds(1..600), seconds(1..100), 1_u32..5, seconds(0..1000)).prop_map(
        |(max_crashes, within, wait, factor, more)| RestartPolicy {
            max_crashes,
            within,
            wait,
            factor,
            max_wait: wait + more,
            first_wait: Duration::ZERO,
            jitter: 0,
            max_retry_after: (wait + more) * 2,
        },
    )
}

/// How long each run was up; short ones mostly, so that windows fill.
pub(crate) fn uptimes() -> impl Strategy<Value = Vec<Duration>> {
    vec(prop_oneof![3 => seconds(0..5), 2 => seconds(0..120), 1 => seconds(0..900)], 1..60)
}

/// Runs the rule over a life.
pub(crate) fn live(policy: &RestartPolicy, uptimes: &[Duration]) -> Vec<(PastCrash, Decision)> {
    let mut history: Vec<PastCrash> = Vec::new();
    let mut decisions = Vec::new();
    for &uptime in uptimes {
        history.iter_mut().for_each(|crash| crash.age += uptime);
        history.push(PastCrash { age: Duration::ZERO, uptime, wait: Duration::ZERO });
        let decision = policy.decide(&history);
        history.last_mut().expect("just pushed").wait = decision.wait;
        decisions.push(decision);
    }
    history.into_iter().zip(decisions).collect()
}

proptest! {
    #[test]
    fn no_wait_is_longer_than_the_longest(policy in policies(), uptimes in uptimes()) {
        for (_, decision) in live(&policy, &uptimes) {
            prop_assert!(decision.wait <= policy.max_wait, "{decision:?}");
        }
    }

    /// Only more than `max_crashes` inside the window wait, and they always do.
    #[test]
    fn a_crash_waits_exactly_if_too_many_lie_in_the_window(policy in policies(), uptimes in uptimes()) {
        for (index, (_, decision)) in live(&policy, &uptimes).iter().enumerate() {
            let since = |earlier: usize| uptimes[earlier + 1..=index].iter().sum::<Duration>();
            let inside = (0..=index).filter(|&earlier| since(earlier) < policy.within).count();
            prop_assert_eq!(decision.crashes as usize, inside);
            prop_assert_eq!(decision.wait > Duration::ZERO, inside > policy.max_crashes as usize);
        }
    }

    /// From the first to wait on each waits `factor` times as long as the one before it, until a run is stable.
    #[test]
    fn the_first_waits_exactly_wait_and_each_further_one_grows(policy in policies(), uptimes in uptimes()) {
        let mut next = policy.wait;
        for ((_, decision), uptime) in live(&policy, &uptimes).into_iter().zip(uptimes) {
            if uptime >= policy.within {
                next = policy.wait;
            }
            if decision.wait > Duration::ZERO {
                prop_assert_eq!(decision.wait, next.min(policy.max_wait));
                next = next.saturating_mul(policy.factor);
            }
        }
    }

    /// What happened before a run that stayed up for the whole window has no influence on what follows.
    #[test]
    fn a_stable_run_resets(policy in policies(), before in uptimes(), after in uptimes()) {
        let stable = policy.within;
        let whole: Vec<_> = before.into_iter().chain([stable]).chain(after.iter().copied()).collect();
        let fresh: Vec<_> = std::iter::once(stable).chain(after).collect();
        let decisions = |uptimes: &[Duration]| {
            live(&policy, uptimes).into_iter().map(|(_, decision)| decision).collect::<Vec<_>>()
        };
        prop_assert_eq!(&decisions(&whole)[whole.len() - fresh.len()..], &decisions(&fresh)[..]);
    }
}
