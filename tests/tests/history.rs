//! The feature `http`: what the page for people is told of workers, of earlier runs, their crashes and the last hang.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lifecycle_tests::http::Probes;
use lifecycle_tests::{Running, Service};
use serde_json::Value;
use tempfile::TempDir;

const PROBED: &str = env!("CARGO_BIN_EXE_probed");
const PATIENCE: Duration = Duration::from_secs(30);

struct Served {
    service: Running,
    probes: Probes,
}

impl Served {
    /// In a folder of its own, and up.
    fn new(scenario: &str, variables: &[(&str, &str)]) -> Served {
        Served::inside(&Arc::new(tempfile::tempdir().expect("a folder")), scenario, variables)
    }

    fn inside(folder: &Arc<TempDir>, scenario: &str, variables: &[(&str, &str)]) -> Served {
        let (probes, variable) = Probes::inside(folder.path());
        let service = Service::inside(PROBED, folder.clone()).arg(scenario).env("LIFECYCLE_PROBES", variable);
        let service = variables.iter().fold(service, |service, (name, value)| service.env(name, value));
        let service = service.start();
        probes.wait_for("/readyz", 200);
        Served { service, probes }
    }

    fn json(&self, path: &str) -> Value {
        let (status, text) = self.probes.get(path);
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    fn pid(&self) -> Value {
        self.service.pid().into()
    }

    /// The JSON of a path once it is so.
    fn wait_for(&self, path: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let now = self.json(path);
            if is_it(&now) {
                return now;
            }
            assert!(Instant::now() < until, "{now}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(self) {
        self.service.signal(libc::SIGTERM);
        let _ = self.service.wait().expect_code(0);
    }
}

const CAUSE: &str = "main failed: \"cannot reach postgres://bot:***@db/orders\"";

/// Its own runs with their shutdowns, and what the ledger knows of those before it; the password in an error is not shown.
#[test]
fn a_crash_is_told_with_its_cause_by_this_process_and_the_next() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let first = Served::inside(&folder, "unlucky", &[]);
    let history = first.json("/history");
    let crash = &history["crashes"][0];
    assert_eq!((&crash["cause"], &crash["pid"]), (&CAUSE.into(), &first.pid()), "{history}");
    assert!(crash["uptime_ms"].as_u64() >= Some(50) && crash["wait_ms"] == 0, "{crash}");
    assert!(crash["build"].is_string() && crash["other_build"] == false, "{crash}");
    assert_eq!((&history["recorded"], &history["no_ledger"]), (&1.into(), &Value::Null));
    let runs = history["runs"].as_array().expect("a list");
    let [now, crashed] = &runs[..] else { panic!("{history}") };
    assert_eq!((&now["ending"], &now["shutdown_ms"]), (&"running".into(), &Value::Null));
    assert_eq!(crashed["ending"]["crashed"], CAUSE);
    assert!(crashed["uptime_ms"].as_u64() >= Some(50) && crashed["shutdown_ms"].is_u64(), "{crashed}");
    assert!(now["started"].as_str() > crashed["started"].as_str(), "{history}");
    for path in ["/history", "/status"] {
        let text = first.probes.get(path).1;
        assert!(text.contains("bot:***@db/orders") && !text.contains("hunter2"), "{path}: {text}");
    }
    let pid = first.pid();
    first.stop();

    let next = Served::inside(&folder, "serve", &[]);
    let history = next.json("/history");
    assert_eq!(history["crashes"][0]["cause"], CAUSE);
    let runs = history["runs"].as_array().expect("a list");
    let [now, clean, crashed] = &runs[..] else { panic!("{history}") };
    assert_eq!((&now["pid"], &now["ending"]), (&next.pid(), &"running".into()));
    assert_eq!((&clean["pid"], &clean["ending"]), (&pid, &"clean".into()));
    // The ledger does not know how long its shutdown took.
    assert_eq!((&crashed["ending"]["crashed"], &crashed["shutdown_ms"]), (&CAUSE.into(), &Value::Null));
    next.stop();
}

#[test]
fn a_killed_process_and_a_shutdown_under_way_are_told() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let killed = Served::inside(&folder, "serve", &[]);
    let pid = killed.pid();
    killed.service.signal(libc::SIGKILL);
    let _ = killed.service.wait();
    for file in ["init", "go"] {
        std::fs::write(folder.path().join(file), "").expect("written");
    }
    let next = Served::inside(&folder, "life", &[]);
    next.service.signal(libc::SIGTERM);
    let history = next.wait_for("/history", |history| history["runs"][0]["ending"] == "stopping");
    assert!(history["runs"][0]["shutdown_ms"].is_u64(), "{history}");
    assert_eq!(history["crashes"][0]["pid"], pid);
    let cause = history["crashes"][0]["cause"].as_str().expect("text");
    assert!(cause.starts_with("killed") && history["runs"][1]["ending"] == "killed", "{history}");
    std::fs::write(folder.path().join("end"), "").expect("written");
    let _ = next.service.wait().expect_code(0);
}

#[test]
fn without_a_ledger_the_reason_is_told() {
    let served = Served::new("serve", &[("LIFECYCLE_RESTART", "off")]);
    let history = served.json("/history");
    assert_eq!(history["no_ledger"], "crashes are not recorded: restarts are switched off");
    assert_eq!(
        (&history["runs"][0]["ending"], &history["crashes"]),
        (&"running".into(), &Value::Array(vec![]))
    );
    served.stop();
    let served = Served::new("serve", &[]);
    std::fs::remove_file(served.service.folder().join(".restart_count")).expect("there");
    let reason = served.json("/history")["no_ledger"].clone();
    assert!(reason.as_str().is_some_and(|reason| reason.contains("there is no ledger")), "{reason}");
    served.stop();
}

/// The newest one alone, of a bounded end of the file; a link in its place is not followed.
#[test]
fn the_last_hang_report_is_shown() {
    let served = Served::new("serve", &[("LIFECYCLE_HANG_REPORT", "hang.txt")]);
    let file = served.service.folder().join("hang.txt");
    let (status, hint) = served.probes.get("/hang-report");
    let asks = format!("`kill -QUIT {}` makes one", served.service.pid());
    assert!(status == 404 && hint.contains(&asks), "{status} {hint}");
    assert!(served.json("/history")["hang_report"]["hint"].as_str().is_some_and(|hint| hint.contains(&asks)));

    for count in 1..=2 {
        served.service.signal(libc::SIGQUIT);
        let ends = || {
            std::fs::read_to_string(&file).map_or(0, |text| text.matches("end of the hang report\n").count())
        };
        let until = Instant::now() + PATIENCE;
        while ends() < count {
            assert!(Instant::now() < until, "no report");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let (status, report) = served.probes.get("/hang-report");
    let begins = format!("hang report of process {} at ", served.service.pid());
    assert!(status == 200 && report.starts_with(&begins), "{status} {report}");
    assert_eq!(report.matches(&begins).count(), 1, "{report}");
    let length = std::fs::metadata(&file).expect("there").len();
    assert_eq!(served.json("/history")["hang_report"]["bytes"], length);

    let long = format!("{begins}x:\nnote redis://:hunter2@cache\n{}", "a line\n".repeat(100_000));
    std::fs::write(&file, &long).expect("written");
    let report = served.probes.get("/hang-report").1;
    let bounds = (250 << 10)..(257 << 10);
    assert!(bounds.contains(&report.len()) && !report.contains("hunter2"), "{}", report.len());
    std::fs::write(&file, &long[..2000]).expect("written");
    let report = served.probes.get("/hang-report").1;
    assert!(report.starts_with(&begins) && report.contains("redis://:***@cache"), "{report}");

    let secret = served.service.folder().join("secret.txt");
    std::fs::rename(&file, &secret).and_then(|()| std::os::unix::fs::symlink(&secret, &file)).expect("ours");
    let (status, hint) = served.probes.get("/hang-report");
    assert!(status == 404 && hint.contains("not a plain file"), "{status} {hint}");
    served.stop();
}

#[test]
fn without_a_file_for_hang_reports_the_way_to_one_is_told() {
    let served = Served::new("serve", &[]);
    let (status, hint) = served.probes.get("/hang-report");
    assert!(status == 404 && hint.contains("LIFECYCLE_HANG_REPORT=/path/of/a/file"), "{status} {hint}");
    let (status, paths) = served.probes.get("/nowhere");
    assert!(status == 404 && paths.contains("/history\n") && paths.contains("/hang-report\n"), "{paths}");
    served.stop();
}

/// While nothing of the service runs; the watchdog sees what holds it up.
#[test]
fn a_frozen_runtime_has_a_worker_in_one_poll_and_a_history() {
    let served = Served::new("frozen", &[]);
    let long = |status: &Value| status["workers"][0]["polling_ms"].as_u64() > Some(2500);
    let workers = served.wait_for("/status", long)["workers"].clone();
    assert_eq!((&workers[0]["index"], &workers[0]["busy"]), (&0.into(), &1.0.into()), "{workers}");
    assert_eq!(workers.as_array().map(Vec::len), Some(1), "it is a runtime of one thread");
    assert_eq!(served.json("/history")["runs"][0]["ending"], "running");
}

#[test]
fn a_worker_has_its_share_and_without_a_watchdog_nobody_looks_at_it() {
    let share = |scenario| {
        let served = Served::new(scenario, &[]);
        let is_measured = |status: &Value| status["workers"][0]["busy"].is_number();
        let worker = served.wait_for("/status", is_measured)["workers"][0].clone();
        assert!(worker["polling_ms"].is_null() || worker["polling_ms"].as_u64() < Some(1500), "{worker}");
        served.stop();
        worker["busy"].as_f64().expect("measured")
    };
    // Works for 20 ms, and sleeps for as long.
    let (idle, half) = (share("serve"), share("half"));
    assert!(idle < 0.15 && 0.2 < half && half < 0.9, "{idle} {half}");
    let served = Served::new("serve", &[("LIFECYCLE_WATCHDOG", "off")]);
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(served.json("/status")["workers"], Value::Array(vec![]));
    served.stop();
}
