//! What the platform allows a shutdown to take, where it says so.

use std::ffi::OsString;
use std::time::Duration;

/// Warns where the platform kills before the budget is over.
pub(crate) fn warnings(budget: Duration, env: &dyn Fn(&str) -> Option<OsString>) -> Vec<String> {
    // Railway sends SIGKILL right after SIGTERM unless this is set (docs.railway.com, "Deployment teardown").
    if env("RAILWAY_ENVIRONMENT_ID").is_none() && env("RAILWAY_SERVICE_ID").is_none() {
        return Vec::new();
    }
    let draining = env("RAILWAY_DEPLOYMENT_DRAINING_SECONDS");
    let seconds = draining.as_ref().and_then(|value| value.to_str()?.trim().parse::<u64>().ok()).unwrap_or(0);
    if Duration::from_secs(seconds) >= budget + Duration::from_secs(1) {
        return Vec::new();
    }
    let needed = budget.as_secs_f64().ceil() + 1.0;
    vec![format!(
        "Railway kills {seconds} s after SIGTERM, but a shutdown may take {}: \
         set RAILWAY_DEPLOYMENT_DRAINING_SECONDS={needed} or a shorter LIFECYCLE_SHUTDOWN_TIMEOUT",
        humantime::format_duration(budget),
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn railway_is_warned_about_unless_it_waits_long_enough() {
        for (railway, draining, warned) in [
            (false, None, false),
            (true, None, true),
            (true, Some("10"), true),
            (true, Some("26"), false),
            (true, Some("x"), true),
        ] {
            let env = |name: &str| match name {
                "RAILWAY_SERVICE_ID" => railway.then(|| "id".into()),
                "RAILWAY_DEPLOYMENT_DRAINING_SECONDS" => draining.map(OsString::from),
                _ => None,
            };
            let warnings = warnings(Duration::from_secs(25), &env);
            assert_eq!(!warnings.is_empty(), warned, "{railway} {draining:?}");
            assert!(warnings.iter().all(|text| text.contains("RAILWAY_DEPLOYMENT_DRAINING_SECONDS=26")));
        }
    }
}
