//! Part i: what a restart rule costs where the cause does not go away. Arithmetic from the documented formulas; no process runs.
//!
//! - systemd: `RestartSec=`, `StartLimitBurst=`, `RestartSteps=`, `RestartMaxDelaySec=` (systemd.service(5), systemd.unit(5)).
//! - Docker: 100 ms, doubled up to 1 min, anew after a run of 10 s ("Start containers automatically").
//! - Kubernetes: 10 s, doubled up to 5 min, anew after a run of 10 min ("Pod Lifecycle").
//! - PM2: at once, and no more after 16 runs of less than a second; `exp_backoff_restart_delay`: times 1.5 up to 15 s.

use crate::table::Table;

const HOUR: f64 = 3600.0;
/// What the exchange asks for with its 429.
const RETRY_AFTER: f64 = HOUR;
const DAY: f64 = 24.0 * HOUR;

/// From a start to its failure, in seconds.
const RUN: f64 = 0.5;

/// Who sends so many wrong keys in an hour is banned for a day.
const BAD_LOGINS: usize = 10;

/// When the next login is, after those at these times; `None` is never.
type Rule = fn(&[f64]) -> Option<f64>;

/// By title: what follows a wrong key, and what follows a 429 with `Retry-After`.
const RULES: [(&str, Rule, Rule); 8] = [
    ("systemd, `Restart=on-failure`", systemd, systemd),
    ("systemd, `RestartSteps=8`, `RestartMaxDelaySec=5min`", systemd_steps, systemd_steps),
    ("Docker, `restart: always`", docker, docker),
    ("Kubernetes", kubernetes, kubernetes),
    ("PM2", pm2, pm2),
    ("PM2, `exp_backoff_restart_delay=100`", pm2_backoff, pm2_backoff),
    ("**lifecycle**, `permanent`, `retry_after`", |_| None, retry_after),
    ("the same, and Kubernetes starts it again", permanent_in_kubernetes, retry_after),
];

/// The process waits itself: nobody has to start it again.
fn retry_after(logins: &[f64]) -> Option<f64> {
    after(logins, RETRY_AFTER)
}

/// Each start waits `max_wait` before it tries.
fn permanent_in_kubernetes(logins: &[f64]) -> Option<f64> {
    Some(kubernetes(logins)? + 300.0)
}

fn after(logins: &[f64], wait: f64) -> Option<f64> {
    Some(logins.last()? + RUN + wait)
}

fn doubled(logins: &[f64], first: f64, most: f64) -> Option<f64> {
    let restarts = i32::try_from(logins.len() - 1).unwrap_or(i32::MAX).min(60);
    after(logins, (first * 2_f64.powi(restarts)).min(most))
}

fn systemd(logins: &[f64]) -> Option<f64> {
    let next = after(logins, 0.1)?;
    let recent = logins.iter().filter(|at| next - **at < 10.0).count();
    (recent < 5).then_some(next)
}

fn systemd_steps(logins: &[f64]) -> Option<f64> {
    let part = ((logins.len() - 1) as f64 / 8.0).min(1.0);
    after(logins, 300_f64.powf(part))
}

fn docker(logins: &[f64]) -> Option<f64> {
    doubled(logins, 0.1, 60.0)
}

fn kubernetes(logins: &[f64]) -> Option<f64> {
    doubled(logins, 10.0, 300.0)
}

fn pm2(logins: &[f64]) -> Option<f64> {
    if logins.len() < 16 { after(logins, 0.0) } else { None }
}

fn pm2_backoff(logins: &[f64]) -> Option<f64> {
    let restarts = i32::try_from(logins.len() - 1).unwrap_or(i32::MAX).min(60);
    after(logins, (0.1 * 1.5_f64.powi(restarts)).min(15.0))
}

/// The times of all logins before `end`.
fn logins(rule: Rule, end: f64) -> Vec<f64> {
    let mut logins = vec![0.0];
    while let Some(next) = rule(&logins).filter(|next| *next < end) {
        logins.push(next);
    }
    logins
}

/// When the ban begins.
fn ban(logins: &[f64]) -> Option<f64> {
    let burst = logins.windows(BAD_LOGINS).find(|burst| burst[BAD_LOGINS - 1] - burst[0] < HOUR)?;
    burst.last().copied()
}

pub(crate) fn section() -> String {
    let mut table = Table::new([
        "restarted by",
        "logins in a day",
        "banned after",
        "logins while banned",
        "requests in the hour of a 429",
    ]);
    for (title, after_wrong_key, after_429) in RULES {
        let all = logins(after_wrong_key, DAY);
        let banned = ban(&all);
        let inside = banned.map_or(0, |from| all.iter().filter(|at| **at > from).count());
        let too_soon = logins(after_429, RETRY_AFTER).len() - 1;
        table.row(&[
            title.to_owned(),
            all.len().to_string(),
            banned.map_or("never".to_owned(), |at| format!("{at:.0} s")),
            inside.to_string(),
            too_soon.to_string(),
        ]);
    }
    format!(
        "## i. A wrong key, and a 429\n\n\
         Calculated from the documented formulas: a service that logs in with a wrong key at every start and fails after {RUN} s. The exchange \
         bans for a day who sends {BAD_LOGINS} wrong keys in an hour. Last column: it answers the first request with `Retry-After: 3600`, \
         and each start is a request. The rows of `lifecycle` are what `tests/tests/exchange.rs` and `failures.rs` see of real processes.\n\n{table}"
    )
}
