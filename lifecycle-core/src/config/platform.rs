//! What the platform allows a shutdown to take, where it says so, and what it must be told to allow.
//!
//! Kubernetes, Docker and Fly tell a process nothing. Neither does systemd, without a call over D-Bus; but it is asked for the time
//! that a stop needs (`EXTEND_TIMEOUT_USEC`), whatever the unit's `TimeoutStopSec=` is.

use std::ffi::OsString;
use std::time::Duration;

/// After the budget of a shutdown the process has this long to be gone.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// The budget as far as the platform grants it, and a warning where that is less.
pub(super) fn fit(budget: Duration, env: &dyn Fn(&str) -> Option<OsString>) -> (Duration, Option<String>) {
    if env("RAILWAY_ENVIRONMENT_ID").is_none() && env("RAILWAY_SERVICE_ID").is_none() {
        return (budget, None);
    }
    let draining = env("RAILWAY_DEPLOYMENT_DRAINING_SECONDS");
    let seconds = draining.as_ref().and_then(|value| value.to_str()?.trim().parse::<u64>().ok()).unwrap_or(0);
    let granted = Duration::from_secs(seconds);
    let needed = seconds_to_grant(budget);
    let set = format!("set RAILWAY_DEPLOYMENT_DRAINING_SECONDS={needed}");
    if granted >= budget + GRACE {
        return (budget, None);
    }
    // Without the variable SIGKILL follows right after SIGTERM (docs.railway.com, "Deployment teardown"): no budget fits.
    if granted.is_zero() {
        let text = format!("Railway kills right after SIGTERM, and no hook will run: {set}");
        return (budget, Some(text));
    }
    let fits = granted.saturating_sub(GRACE).max(granted / 2).min(budget);
    let [fits_text, budget] = [fits, budget].map(humantime::format_duration);
    let text = format!(
        "Railway kills {seconds} s after SIGTERM: a shutdown has {fits_text}, not {budget}: {set} for all of it"
    );
    (fits, Some(text))
}

/// What the platform must be told, by its name on each.
pub(crate) fn grant(budget: Duration) -> String {
    let seconds = seconds_to_grant(budget);
    format!(
        "grant at least {seconds} s: terminationGracePeriodSeconds: {seconds}, TimeoutStopSec={seconds}, \
         docker stop -t {seconds}, RAILWAY_DEPLOYMENT_DRAINING_SECONDS={seconds}"
    )
}

fn seconds_to_grant(budget: Duration) -> u64 {
    let needed = budget.saturating_add(GRACE);
    needed.as_secs().saturating_add(u64::from(needed.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_what_railway_grants_and_a_warning_says_so() {
        let (seconds, millis) = (Duration::from_secs, Duration::from_millis);
        for (railway, draining, fits, warned) in [
            (false, None, seconds(25), false),
            (false, Some("10"), seconds(25), false),
            (true, None, seconds(25), true),
            (true, Some("0"), seconds(25), true),
            (true, Some("x"), seconds(25), true),
            (true, Some("1"), millis(500), true),
            (true, Some("10"), seconds(9), true),
            (true, Some("25"), seconds(24), true),
            (true, Some("26"), seconds(25), false),
            (true, Some("60"), seconds(25), false),
        ] {
            let env = |name: &str| match name {
                "RAILWAY_SERVICE_ID" => railway.then(|| "id".into()),
                "RAILWAY_DEPLOYMENT_DRAINING_SECONDS" => draining.map(OsString::from),
                _ => None,
            };
            let (budget, warning) = fit(seconds(25), &env);
            assert_eq!((budget, warning.is_some()), (fits, warned), "{railway} {draining:?}");
            assert!(warning.is_none_or(|text| text.contains("RAILWAY_DEPLOYMENT_DRAINING_SECONDS=26")));
        }
    }

    #[test]
    fn the_platform_is_to_grant_whole_seconds_and_one_more() {
        for (budget, seconds) in [(25_000, 26), (24_001, 26), (500, 2)] {
            assert_eq!(seconds_to_grant(Duration::from_millis(budget)), seconds);
        }
        assert!(seconds_to_grant(Duration::MAX) > 26);
    }
}
