//! `LIFECYCLE_HANG_FORMAT=json`: each report is one line, for programs.

use lifecycle_tests::hang::place;
use lifecycle_tests::{Output, Service};
use serde_json::Value;

fn service(program: &str, scenario: &str) -> Service {
    Service::new(program)
        .arg(scenario)
        .env("LIFECYCLE_HANG_FORMAT", "json")
        .env("LIFECYCLE_HANG_REPORT", "hang.jsonl")
        .env("LIFECYCLE_WATCHDOG_TIMEOUT", "2s")
        .env("LIFECYCLE_RESTART", "off")
}

fn matrix(scenario: &str) -> Output {
    let output = service(env!("CARGO_BIN_EXE_matrix"), scenario).run().expect_code(1);
    assert!(!output.stderr.contains("end of the hang report"), "text, too: {}", output.stderr);
    output
}

fn reports(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Those on stderr, which are those in the file: one at half-time, and the fatal one.
fn of(output: &Output) -> [Value; 2] {
    let file = std::fs::read_to_string(output.path("hang.jsonl")).expect("a file");
    assert_eq!(file.lines().count(), 2, "nothing but the reports: {file}");
    let reports = reports(&output.stderr);
    assert_eq!(reports, self::reports(&file));
    reports.try_into().unwrap_or_else(|_| panic!("two reports in {}", output.stderr))
}

#[test]
fn a_hang_is_one_line_with_all_of_it() {
    let output = matrix("mutex");
    let [half, report] = of(&output);
    assert_eq!((&half["kind"], &report["kind"]), (&"half_time".into(), &"hang".into()));
    assert!(half["age_ms"].as_u64() >= Some(1000) && report["age_ms"].as_u64() >= Some(2000), "{report}");
    assert!(
        report["message"].as_str().is_some_and(|text| text.contains("has not beaten for 2.")),
        "{report}"
    );
    assert!(report["date"].as_str().is_some_and(|date| date.ends_with('Z')), "{report}");
    assert!(report["build_id"].as_str().is_some_and(|id| id.len() == 40), "{report}");
    let at = place("tests/src/bin/matrix.rs", include_str!("../src/bin/matrix.rs"), "mutex");
    for report in [&half, &report] {
        let culprit = &report["culprit"];
        assert_eq!((&culprit["function"], &culprit["place"]), (&"mutex".into(), &at.as_str().into()));
        assert_eq!(culprit["cause"], "blocked on a Mutex");
        let suspect = report["suspects"][0].as_str().unwrap_or_default();
        assert!(suspect.contains("blocked on a Mutex in mutex at"), "{report}");
    }
    let (file, line) = at.rsplit_once(':').expect("a line");
    let line: u64 = line.parse().expect("a number");
    let is_it =
        |frame: &Value| frame["file"] == file && frame["line"] == line && frame["yours"] == Value::Bool(true);
    let threads = report["threads"].as_array().expect("a list");
    let frames = threads.iter().flat_map(|thread| thread["frames"].as_array().expect("a list"));
    assert!(frames.into_iter().any(is_it), "{report}");
    assert!(threads.iter().all(|thread| thread["ids"][0].as_u64() > Some(0)), "{report}");
    let task = report["tasks"].as_array().and_then(|tasks| tasks.iter().find(|task| task["name"] == "main"));
    assert!(task.is_some_and(|task| task["thread"].as_u64() > Some(0)), "{report}");
}

/// Of one build: whatever the addresses are, and when it happens.
#[test]
fn the_hash_tells_causes_apart_and_nothing_else() {
    let hash = |scenario: &str| of(&matrix(scenario))[1]["culprit"]["hash"].clone();
    let [one, again, other, awaited] = ["mutex", "mutex", "sleep", "tokio-mutex"].map(hash);
    assert!(one.as_str().is_some_and(|hash| hash.len() == 16), "{one}");
    assert_eq!(one, again);
    assert!(one != other && one != awaited && other != awaited, "{one} {other} {awaited}");
}

/// What is awaited: the chain of a task.
#[test]
fn a_chain_of_awaits_is_in_it() {
    let [_, report] = of(&matrix("tokio-mutex"));
    let task = &report["tasks"][0];
    assert!(task["waits"].as_str().is_some_and(|text| text.contains("awaiting a tokio Mutex")), "{task}");
    let frames = task["chains"][0].as_array().expect("a list");
    assert!(frames.iter().any(|frame| frame["yours"] == Value::Bool(true)), "{task}");
}

/// Hundreds of threads and tasks, in a line that is whole.
/// Where reading the debug information takes long, the fatal report comes before the one at half-time is out.
#[test]
fn many_threads_are_one_entry() {
    let report = reports(&matrix("pool").stderr).pop().expect("a report");
    let pool =
        report["threads"].as_array().and_then(|all| all.iter().find(|one| one["cause"] == "blocking sleep"));
    assert!(pool.is_some_and(|pool| pool["ids"].as_array().map(Vec::len) == Some(512)), "{report}");
}

#[test]
fn what_goes_on_has_no_culprit() {
    let mut service =
        service(env!("CARGO_BIN_EXE_serves"), "").env("LIFECYCLE_WATCHDOG_TIMEOUT", "30s").start();
    service.line("turn 5");
    service.signal(libc::SIGQUIT);
    let line = service.line("\"kind\":\"asked\"");
    let report: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&report["culprit"], &report["suspects"]), (&Value::Null, &Value::Array(Vec::new())));
    service.signal(libc::SIGTERM);
    let _ = service.wait().expect_code(0);
}

/// Without names and lines, in place: what reads it must not stumble.
#[test]
fn a_report_without_a_helper_is_json_too() {
    let service = service(env!("CARGO_BIN_EXE_matrix"), "mutex").env("FORBID", "exec");
    let output = service.run().expect_code(1);
    let [_, report] = of(&output);
    assert_eq!(report["culprit"]["function"], "mutex");
    assert!(report["names_without_lines"].is_string(), "{report}");
    let service = self::service(env!("CARGO_BIN_EXE_matrix"), "allocator").env("FORBID", "exec");
    // Nothing may allocate: that goes for the reporter, which would report half-time.
    let reports = reports(&service.run().expect_code(1).stderr);
    assert_eq!(reports.last().expect("one")["culprit"]["cause"], "stuck in the allocator");
}

#[test]
fn a_wrong_format_is_refused() {
    let service = service(env!("CARGO_BIN_EXE_matrix"), "mutex").env("LIFECYCLE_HANG_FORMAT", "xml");
    let output = service.run().expect_code(78);
    assert!(
        output.stderr.contains("LIFECYCLE_HANG_FORMAT") && output.stderr.contains("xml"),
        "{}",
        output.stderr
    );
}
