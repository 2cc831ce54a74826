//! What a subscriber gets: fields beside the text, a record for each row, and all of it written before the process ends.

use std::time::Duration;

use lifecycle_tests::{Output, Service};
use serde_json::Value;

fn logs(scenario: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_logs")).arg(scenario)
}

fn terminated(scenario: &str, code: i32) -> Output {
    let mut service = logs(scenario).start();
    service.line("up");
    service.signal(libc::SIGTERM);
    service.wait().expect_code(code)
}

/// The fields of each record of the framework.
fn records(output: &Output) -> Vec<Value> {
    let log = std::fs::read_to_string(output.path("log")).expect("a log");
    let records = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    records.filter(|record| record["target"] == "lifecycle").collect()
}

fn with<'a>(records: &'a [Value], field: &str, value: &str) -> &'a Value {
    let of = |record: &&Value| record["fields"][field] == value && record["fields"]["result"] != Value::Null;
    records.iter().find(of).unwrap_or_else(|| panic!("no {field} {value}: {records:#?}"))
}

#[test]
fn each_row_of_a_report_is_a_record_with_fields() {
    let output = terminated("fails", 1);
    let records = records(&output);
    let flush = with(&records, "hook", "Store::flush");
    assert_eq!(flush["level"], "ERROR");
    let fields = &flush["fields"];
    assert_eq!(
        (&fields["phase"], &fields["order"], &fields["result"], &fields["error"]),
        (&"persist".into(), &0.into(), &"failed".into(), &"disk\nfull".into())
    );
    assert!(fields["place"].as_str().is_some_and(|place| place.starts_with("tests/src/bin/logs.rs:")));
    let close = &with(&records, "hook", "Store::close")["fields"];
    assert_eq!((&close["result"], &close["order"]), (&"timed_out".into(), &7.into()));
    assert!(close["took_ms"].as_u64().is_some_and(|took| took >= 50), "{close}");
    let deaf = with(&records, "task", "deaf");
    assert_eq!((&deaf["level"], &deaf["fields"]["result"]), (&"WARN".into(), &"never_checked".into()));

    let summary = records.last().expect("records");
    let fields = &summary["fields"];
    assert_eq!((&summary["level"], &fields["exit_code"]), (&"ERROR".into(), &1.into()));
    assert_eq!(fields["cause"], "SIGTERM");
    assert!(fields["took_ms"].as_u64().is_some_and(|took| took >= 50), "{summary}");
    for record in &records {
        let message = record["fields"]["message"].as_str().expect("a message");
        assert!(!message.contains("declared at"), "a table in a record: {message}");
    }
}

/// In words beside its name, and as a number.
#[test]
fn work_that_is_cut_off_has_its_age() {
    let mut service = logs("busy").env("LIFECYCLE_DRAIN", "100ms").start();
    service.line("up");
    service.signal(libc::SIGTERM);
    let records = records(&service.wait().expect_code(0));
    let is_cut =
        |record: &&Value| record["fields"]["task"].as_str().is_some_and(|task| task.starts_with("import 7"));
    let cut = records.iter().find(is_cut).unwrap_or_else(|| panic!("no row of the import: {records:#?}"));
    assert_eq!(cut["fields"]["result"], "dropped");
    assert!(cut["fields"]["age_ms"].as_u64().is_some_and(|age| age >= 100), "{cut}");
}

#[test]
fn a_stop_that_went_well_says_so_with_fields() {
    let records = records(&terminated("", 0));
    let messages: Vec<&str> =
        records.iter().filter_map(|record| record["fields"]["message"].as_str()).collect();
    let has = |row: &str| messages.iter().any(|message| message.starts_with(row));
    assert!(has("persist     0  Store::flush  done"), "{messages:#?}");
    assert!(
        has("persist     0  Store::flush  at most 500ms  1 managed  tests/src/bin/logs.rs:"),
        "{messages:#?}"
    );
    let summary = records.last().expect("records");
    assert_eq!((&summary["level"], &summary["fields"]["exit_code"]), (&"INFO".into(), &0.into()));
}

#[test]
fn a_hang_is_two_records_the_verdict_and_whom_the_report_accuses() {
    // Without stacks the line of JSON accuses nobody.
    let formats = if cfg!(feature = "stacks") { &["text", "json"][..] } else { &["text"] };
    for format in formats {
        let service = logs("hangs").env("LIFECYCLE_HANG_FORMAT", format).env("LIFECYCLE_RESTART", "off");
        let output = service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "1s").run().expect_code(1);
        let records = records(&output);
        let errors: Vec<&Value> = records.iter().filter(|record| record["level"] == "ERROR").collect();
        let [verdict, suspect] = errors[..] else { panic!("{format}: {errors:#?}") };
        for record in [verdict, suspect] {
            assert_eq!(record["fields"]["heartbeat"], "logs::tick", "{format}: {record}");
        }
        assert!(verdict["fields"]["suspect"].is_null(), "{format}: {verdict}");
        let said = suspect["fields"]["suspect"].as_str().expect("a suspect");
        let line =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/logs.rs")).expect("it");
        let line = line.lines().position(|line| line.ends_with("// hangs")).expect("marked") + 1;
        let place = if cfg!(feature = "stacks") { format!("src/bin/logs.rs:{line}") } else { "task".into() };
        assert!(said.contains(&place), "{format}: no {place} in {said}");
        assert!(output.stderr.contains(said), "{format}: as in the report: {}", output.stderr);
    }
}

/// The guard is dropped after the last line, so each of them is in the file; it cannot keep the process alive.
#[test]
fn a_guard_from_init_lives_until_the_last_line() {
    for scenario in ["panics", "slow"] {
        let output = terminated(scenario, 0);
        assert!(output.took < Duration::from_secs(15), "{scenario}: {:?}", output.took);
        let summary = records(&output).pop().expect("records");
        assert_eq!(summary["fields"]["exit_code"], 0, "{scenario}: {summary}");
    }
}

/// The crash's report of each image is in the log, although the image is gone.
#[test]
fn a_guard_is_dropped_before_a_re_exec() {
    let mut service = logs("exec").env("LIFECYCLE_RESTART_MODE", "exec").start();
    service.line("waiting");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    let failed = |record: &&Value| record["fields"]["cause"] == "main failed: \"no route\"";
    assert_eq!(records(&output).iter().filter(failed).count(), 4, "{}", output.stderr);
}
