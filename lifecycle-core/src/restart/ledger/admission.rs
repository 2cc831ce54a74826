//! Whether main may run, and if not yet, why not and what ends the wait.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::config::resolve::RestartPolicy;
use crate::model::time::Rounded;
use crate::os::clock::Moment;
use crate::restart::ledger::crash::Crash;
use crate::restart::ledger::format::Record;
use crate::restart::ledger::program::Program;
use crate::restart::luck::luck;

/// What it takes from a crash to the next start on a busy machine: no part of a wait.
const MOMENT: Duration = Duration::from_secs(1);

/// Whether main may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    /// What is left of the wait; zero starts at once.
    pub(crate) wait: Duration,
    /// Crashes inside the window when the newest one was answered; zero if none is listed.
    pub(crate) crashes: u32,
    pub(crate) reason: Reason,
}

/// What decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The number of crashes.
    Rule,
    /// The newest crash asked for so much time.
    RetryAfter(Duration),
    /// A crash of another replica did.
    Replica,
    /// The newest crash was permanent, and this start is no other than that one.
    Permanent,
    /// It was permanent, and something has changed since.
    Changed,
    /// Only other builds have crashed.
    NewBuild,
}

/// Decides about the service's crashes that were not answered yet, each by those of its build before it.
pub(crate) fn answer(record: &mut Record, program: &Program, policy: RestartPolicy, now: &Moment) {
    for index in 0..record.crashes.len() {
        let crash = &record.crashes[index];
        if crash.wait_ms.is_none() && crash.serves(program) {
            let whose = program.of_build(crash.build.as_ref());
            let up_to = record.crashes[..=index].iter().filter(|crash| crash.is_of(&whose)).count();
            let decision = policy.decide(&record.history(&whose, now)[..up_to]);
            record.crashes[index].answer(policy.spread(decision, luck()));
        }
    }
}

/// What is left of the wait after the program's newest crash.
pub(crate) fn admission(
    record: &Record,
    program: &Program,
    policy: RestartPolicy,
    now: &Moment,
) -> Admission {
    let Some(newest) = record.newest(program) else {
        let others = record.crashes.iter().any(|crash| crash.serves(program));
        let reason = if others { Reason::NewBuild } else { Reason::Rule };
        return Admission { wait: Duration::ZERO, crashes: 0, reason };
    };
    // Never longer than the longest wait, whatever a clock did to the file.
    let (whole, reason) = wait_after(newest, program, policy);
    Admission {
        wait: whole.saturating_sub(served(newest, now)),
        crashes: newest.counted.unwrap_or(1),
        reason,
    }
}

/// Time that passed since the crash, or in a wait that was cut short, has been waited already.
fn served(crash: &Crash, now: &Moment) -> Duration {
    let served = Duration::from_millis(crash.waited_ms).max(now.since(&crash.when));
    // The moment that it took to get here is not worth a fraction in the wait.
    if served < MOMENT { Duration::ZERO } else { served }
}

fn wait_after(crash: &Crash, program: &Program, policy: RestartPolicy) -> (Duration, Reason) {
    match &crash.permanent {
        Some(start) if *start == program.fingerprint => return (policy.max_wait, Reason::Permanent),
        Some(_) => return (Duration::ZERO, Reason::Changed),
        None => {}
    }
    let rule = crash.wait().unwrap_or_default().min(policy.max_wait);
    let asked = crash.retry_after().unwrap_or_default();
    let granted = asked.min(policy.max_retry_after);
    if granted > rule { (granted, Reason::RetryAfter(asked)) } else { (rule, Reason::Rule) }
}

impl Admission {
    /// For people: why, how long, and what ends it.
    pub(crate) fn explain(&self, policy: &RestartPolicy, now: SystemTime, file: &Path) -> String {
        let why = match self.reason {
            Reason::Rule => return self.explain_rule(policy, now, file),
            Reason::NewBuild => return "a new build starts at once".to_owned(),
            Reason::Changed => {
                return "that was permanent, but the build, the arguments or the environment have changed; starting now"
                    .to_owned();
            }
            Reason::Permanent => {
                "that was permanent, and build, arguments and environment are the same".to_owned()
            }
            Reason::RetryAfter(asked) if asked > policy.max_retry_after => {
                let most = Rounded(policy.max_retry_after);
                format!(
                    "its failure asked for no retry within {} (at most {most} are waited)",
                    Rounded(asked)
                )
            }
            Reason::RetryAfter(asked) => format!("its failure asked for no retry within {}", Rounded(asked)),
            Reason::Replica => "another replica was asked not to retry yet".to_owned(),
        };
        let skip = match self.reason {
            Reason::Permanent => format!("change one of them, or delete {} and start again", file.display()),
            Reason::Replica => "start a new build, or without the store".to_owned(),
            _ => format!("start a new build, or delete {} and start again", file.display()),
        };
        self.explain_wait(&why, now, &skip)
    }

    fn explain_rule(&self, policy: &RestartPolicy, now: SystemTime, file: &Path) -> String {
        let (crashes, most) = (self.crashes, policy.max_crashes);
        let within = humantime::format_duration(policy.within);
        if crashes <= most && !self.wait.is_zero() {
            return format!("crash {crashes} of {most} in {within}: waiting {}", Wait(self.wait));
        }
        if crashes <= most {
            return format!("crash {crashes} of {most} in {within}; starting now");
        }
        let why = format!("crash {crashes} within {within} (at most {most} restart at once)");
        self.explain_wait(&why, now, &format!("delete {} and start again", file.display()))
    }

    fn explain_wait(&self, why: &str, now: SystemTime, skip: &str) -> String {
        let wait = self.wait;
        if wait.is_zero() {
            return format!("{why}: its wait is over, starting now");
        }
        // Years beyond 9999 cannot be written.
        let next = humantime::format_rfc3339_seconds(now.checked_add(wait).unwrap_or(now));
        format!("{why}: waiting {}, next try at {next}; to skip the wait, {skip}", Wait(wait))
    }
}

/// As it is written in the options: `60s`, `600ms`, and from an hour on in hours.
struct Wait(Duration);

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 < Duration::from_secs(3600) { write!(f, "{:?}", self.0) } else { Rounded(self.0).fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const POLICY: RestartPolicy = RestartPolicy::DEFAULT;

    fn moment(seconds: u64) -> Moment {
        let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
        Moment { at, boot: Some("b".into()), since_boot_ms: seconds * 1000 }
    }

    fn crash() -> Crash {
        Crash { build: Some("one".into()), ..Crash::new("x".into(), moment(0), 7) }
    }

    /// After these crashes, so many seconds later.
    fn after(crashes: &[Crash], seconds: u64) -> (u64, Reason) {
        let mut record = Record { crashes: crashes.to_vec(), ..Record::new() };
        answer(&mut record, &Program::app(), POLICY, &moment(0));
        let admission = admission(&record, &Program::app(), POLICY, &moment(seconds));
        (admission.wait.as_secs(), admission.reason)
    }

    #[test]
    fn the_longer_of_the_two_waits_counts_and_time_serves_it() {
        let asks = |ms| Crash { retry_after_ms: Some(ms), ..crash() };
        let asked = |seconds| Reason::RetryAfter(Duration::from_secs(seconds));
        for (what, crashes, later, expected) in [
            ("alone", vec![asks(30_000)], 0, (30, asked(30))),
            ("half of it", vec![asks(30_000)], 12, (18, asked(30))),
            ("over", vec![asks(30_000)], 31, (0, asked(30))),
            ("the rule is longer", vec![crash(), crash(), crash(), asks(30_000)], 0, (60, Reason::Rule)),
            ("the rule is shorter", vec![crash(), crash(), crash(), asks(90_000)], 0, (90, asked(90))),
            ("no longer than a day", vec![asks(u64::MAX)], 0, (86400, asked(u64::MAX / 1000))),
            ("forgotten by a later crash", vec![asks(90_000), crash()], 0, (0, Reason::Rule)),
        ] {
            let (wait, reason) = after(&crashes, later);
            let reason = match reason {
                Reason::RetryAfter(asked) => Reason::RetryAfter(Duration::from_secs(asked.as_secs())),
                other => other,
            };
            assert_eq!((wait, reason), expected, "{what}");
        }
    }

    #[test]
    fn a_permanent_crash_waits_unless_something_has_changed() {
        let of = |start: &str| Crash { permanent: Some(start.into()), ..crash() };
        assert_eq!(after(&[of("f")], 0), (300, Reason::Permanent));
        assert_eq!(after(&[of("f")], 200), (100, Reason::Permanent));
        assert_eq!(after(&[of("g")], 0), (0, Reason::Changed));
        assert_eq!(
            after(&[crash(), crash(), crash(), of("g")], 0),
            (0, Reason::Changed),
            "whatever the rule says"
        );
    }

    #[test]
    fn crashes_of_other_builds_do_not_count() {
        let other = || Crash { build: Some("two".into()), ..crash() };
        let unknown = || Crash { build: None, ..crash() };
        assert_eq!(after(&vec![other(); 9], 0), (0, Reason::NewBuild));
        let asks = Crash { retry_after_ms: Some(30_000), ..other() };
        assert_eq!(after(&[asks], 0), (0, Reason::NewBuild));
        let mixed = [other(), crash(), other(), crash(), other(), crash()];
        assert_eq!(after(&mixed, 0), (0, Reason::Rule));
        assert_eq!(after(&[&mixed[..], &[crash()]].concat(), 0), (60, Reason::Rule));
        assert_eq!(after(&vec![unknown(); 4], 0), (60, Reason::Rule), "an older format knows no builds");
    }

    #[test]
    fn every_wait_says_why_how_long_and_what_ends_it() {
        let says = |reason, wait, crashes| {
            let admission = Admission { wait: Duration::from_secs(wait), crashes, reason };
            admission.explain(&POLICY, UNIX_EPOCH, Path::new("L"))
        };
        for (reason, why, skip) in [
            (Reason::Rule, "crash 4 within 5m (at most 3 restart at once)", "delete L and start again"),
            (
                Reason::RetryAfter(Duration::from_secs(60)),
                "its failure asked for no retry within 1m",
                "start a new build, or delete L and start again",
            ),
            (
                Reason::RetryAfter(Duration::from_secs(90_000_000)),
                "(at most 1day are waited)",
                "start a new build, or delete L and start again",
            ),
            (
                Reason::Permanent,
                "that was permanent, and build, arguments and environment are the same",
                "change one of them, or delete L and start again",
            ),
        ] {
            let text = says(reason, 50, 4);
            assert!(text.contains(why), "{text}");
            let end = format!(": waiting 50s, next try at 1970-01-01T00:00:50Z; to skip the wait, {skip}");
            assert!(text.ends_with(&end), "{text}");
            assert!(says(reason, 0, 4).ends_with(": its wait is over, starting now"));
        }
        assert_eq!(says(Reason::Rule, 0, 2), "crash 2 of 3 in 5m; starting now");
        assert!(says(Reason::RetryAfter(Duration::from_secs(7200)), 7200, 1).contains("waiting 2h, "));
    }
}
