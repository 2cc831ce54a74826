//! What holds for every life as the ledger remembers it: on real clocks, which step, and with waits that take time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::restart::policy::properties::{live, policies, uptimes};

/// The true time since boot, and a wall clock that is off by so much.
fn moment(boot: &str, elapsed: Duration, off: i64) -> Moment {
    let truly = UNIX_EPOCH + Duration::from_secs(1_800_000_000) + elapsed;
    let off_by = Duration::from_secs(off.unsigned_abs());
    let at: SystemTime = if off < 0 { truly - off_by } else { truly + off_by };
    Moment { at, boot: Some(boot.to_owned()), since_boot_ms: millis(elapsed) }
}

fn crash(when: Moment, uptime: Duration) -> Crash {
    Crash { uptime_ms: millis(uptime), ..Crash::new("x".into(), when, 7) }
}

/// A wall clock that steps by up to two days between any two crashes.
fn steps() -> impl Strategy<Value = Vec<i64>> {
    vec(-200_000_i64..200_000, 60)
}

proptest! {
    /// Inside one boot neither the steps of the clock nor the time that waits took change any decision.
    #[test]
    fn steps_and_waits_change_nothing(policy in policies(), uptimes in uptimes(), steps in steps()) {
        let (mut record, mut elapsed) = (Record::new(), Duration::ZERO);
        for ((expected, &uptime), &off) in live(&policy, &uptimes).into_iter().zip(&uptimes).zip(&steps) {
            elapsed += uptime;
            let now = moment("one", elapsed, off);
            record.add_crash(crash(now.clone(), uptime));
            answer(&mut record, &Program::app(), policy, &now);
            let admission = admission(&record, &Program::app(), policy, &now);
            prop_assert_eq!((admission.wait, admission.crashes), (expected.1.wait, expected.1.crashes));
            elapsed += admission.wait;
            record.crashes.last_mut().expect("added").waited_ms = millis(admission.wait);
        }
    }

    /// Crashes of another build in between, however many, change no decision.
    #[test]
    fn other_builds_change_nothing(
        policy in policies(), uptimes in uptimes(), others in vec(0_usize..4, 60),
    ) {
        let (mut record, mut elapsed, program) = (Record::new(), Duration::ZERO, Program::app());
        let of = |build: &str, crash| Crash { build: Some(build.to_owned()), ..crash };
        for ((expected, &uptime), &others) in live(&policy, &uptimes).into_iter().zip(&uptimes).zip(&others) {
            elapsed += uptime;
            let now = moment("one", elapsed, 0);
            (0..others).for_each(|_| record.add_crash(of("two", crash(now.clone(), Duration::ZERO))));
            record.add_crash(of("one", crash(now.clone(), uptime)));
            answer(&mut record, &program, policy, &now);
            if record.recorded <= 100 {
                let admission = admission(&record, &program, policy, &now);
                prop_assert_eq!((admission.wait, admission.crashes), (expected.1.wait, expected.1.crashes));
            }
        }
    }

    /// Whatever failures ask for, and whatever clocks do: never more than the longest of both waits, and within one boot
    /// never less than what the newest one asked for.
    #[test]
    fn what_is_asked_for_is_waited_up_to_the_most(
        policy in policies(), uptimes in uptimes(), asked in vec(0_u64..3_000_000, 60), steps in steps(),
    ) {
        let (mut record, mut elapsed, program) = (Record::new(), Duration::ZERO, Program::app());
        for ((&uptime, &asked), &off) in uptimes.iter().zip(&asked).zip(&steps) {
            elapsed += uptime;
            let now = moment("one", elapsed, 0);
            record.add_crash(Crash { retry_after_ms: Some(asked), ..crash(now.clone(), uptime) });
            answer(&mut record, &program, policy, &now);
            let here = admission(&record, &program, policy, &now).wait;
            prop_assert!(here >= Duration::from_millis(asked).min(policy.max_retry_after));
            let after_a_boot = admission(&record, &program, policy, &moment("two", elapsed, off)).wait;
            prop_assert!(here.max(after_a_boot) <= policy.max_wait.max(policy.max_retry_after));
        }
    }

    /// A boot between any two crashes, so that only the clock on the wall is left: no wait is longer than the longest.
    #[test]
    fn no_clock_makes_a_wait_longer_than_the_longest(
        policy in policies(), uptimes in uptimes(), steps in steps(), boots in vec(0_u32..3, 60),
    ) {
        let (mut record, mut elapsed) = (Record::new(), Duration::ZERO);
        for (((uptime, off), boot), seen) in uptimes.iter().zip(&steps).zip(&boots).zip(steps.iter().rev()) {
            elapsed += *uptime;
            let boot = boot.to_string();
            let now = moment(&boot, elapsed, *off);
            record.add_crash(crash(now.clone(), *uptime));
            answer(&mut record, &Program::app(), policy, &now);
            let admission = admission(&record, &Program::app(), policy, &moment(&boot, elapsed, *seen));
            prop_assert!(admission.wait <= policy.max_wait);
        }
    }

    /// What is left of a wait never grows while time passes, whoever asks.
    #[test]
    fn a_wait_is_served_by_time(policy in policies(), uptimes in uptimes(), later in 0_u64..2000) {
        let (mut record, mut elapsed) = (Record::new(), Duration::ZERO);
        for uptime in uptimes {
            elapsed += uptime;
            let now = moment("one", elapsed, 0);
            record.add_crash(crash(now.clone(), uptime));
            answer(&mut record, &Program::app(), policy, &now);
        }
        let later = Duration::from_secs(later);
        let before = admission(&record, &Program::app(), policy, &moment("one", elapsed, 0)).wait;
        let after = admission(&record, &Program::app(), policy, &moment("one", elapsed + later, 0)).wait;
        prop_assert_eq!(after, before.saturating_sub(later));
    }
}
