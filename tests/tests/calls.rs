//! Every call of an annotated function has beats of its own. The limit is 2 s.

use std::time::Duration;

use lifecycle_tests::hang::{self, lives, suspect, verdict};
use lifecycle_tests::{Output, Running, Service};

fn calls(scenario: &str) -> Running {
    let mut service = Service::new(env!("CARGO_BIN_EXE_calls"))
        .arg(scenario)
        .env("LIFECYCLE_WATCHDOG_TIMEOUT", "2s")
        .env("LIFECYCLE_WATCHDOG_STARTUP", "1h")
        .start();
    service.line("up");
    service
}

#[track_caller]
fn hangs(scenario: &str, words: &[&str]) -> Output {
    let output = calls(scenario).wait().expect_code(1);
    let verdict = verdict(&output);
    assert!(words.iter().all(|word| verdict.contains(word)), "{words:?} in {}", output.stderr);
    output
}

fn place(mark: &str) -> String {
    hang::place("tests/src/bin/calls.rs", include_str!("../src/bin/calls.rs"), mark)
}

fn fatal(output: &Output) -> &str {
    output.stderr.split_once("CRITICAL").expect("a verdict").1
}

fn suspects(report: &str) -> usize {
    report.lines().filter(|line| line.starts_with("SUSPECT")).count()
}

#[test]
fn one_stuck_call_among_healthy_ones_is_found_and_named() {
    let at = format!("last at the await at {}, in task `feed 8`", place("the feed hangs"));
    let output =
        hangs("one-of-nine", &["calls::poll_feed", "not beaten for 2.", "while the others beat", &at]);
    assert!(output.stderr.contains("no beat for 1."), "half-time: {}", output.stderr);
    let fatal = fatal(&output);
    suspect(fatal, &["task `feed 8`: awaiting a Notify in receive at", &place("no message")]);
    assert_eq!(suspects(fatal), 1, "{fatal}");
}

/// In one task, and the healthy calls come and go.
#[test]
fn a_stuck_branch_is_found_although_another_branch_beats() {
    let at = format!("at the await at {}", place("the feed hangs"));
    hangs("joined", &["calls::poll_feed", "while", &at]);
}

#[test]
fn a_stuck_call_on_a_plain_thread_is_found() {
    let output = hangs("threads", &["calls::crunch", "while", "inside the call"]);
    let fatal = fatal(&output);
    suspect(fatal, &["SUSPECT thread", "blocking sleep in crunch"]);
    assert_eq!(suspects(fatal), 1, "{fatal}");
}

/// Ten thousand at once: each beats, and is found if it does not.
#[test]
fn each_of_many_calls_is_judged() {
    let _ = lives(calls("many"), Duration::from_secs(5));
    hangs("a-round-of-many-hangs", &["calls::serve", " in 100 of its 10000 calls, while the others beat"]);
}

/// Which calls itself: the outer call waits for the inner one for longer than the limit.
#[test]
fn a_function_that_calls_itself_is_judged_as_a_whole() {
    let output = lives(calls("recursion"), Duration::from_secs(6));
    assert!(!output.stderr.contains("half"), "{}", output.stderr);
}

#[test]
fn calls_that_are_dropped_or_panic_are_over() {
    let mut service = calls("gone");
    service.line("gone");
    let output = lives(service, Duration::from_secs(4)).expect_code(0);
    assert!(!output.stderr.contains("half"), "{}", output.stderr);
}

/// It is the earlier run's, and that is over.
#[test]
fn a_call_that_an_earlier_run_left_behind_is_not_judged() {
    let mut service = calls("left-behind");
    service.line("again");
    let output = lives(service, Duration::from_secs(5));
    assert!(!output.stderr.contains("half"), "{}", output.stderr);
}

/// Stopped in the middle of a call of three quarters of the limit, while others beat.
#[test]
fn a_call_of_a_stopped_process_is_not_a_stuck_one() {
    let service = calls("slices");
    std::thread::sleep(Duration::from_millis(700));
    service.signal(libc::SIGSTOP);
    std::thread::sleep(Duration::from_secs(6));
    service.signal(libc::SIGCONT);
    let _ = lives(service, Duration::from_secs(3));
}

/// Where a verdict is most likely wrong, it says what to change.
#[test]
fn a_verdict_says_what_to_change() {
    hangs(
        "works-on",
        &["calls::import", "in task `main`; that task was polled 0.", "beat in a loop of its body, or raise"],
    );
    hangs("once", &["`once`", "between two calls; its function has returned", "`arm = \"call\"`"]);
    hangs("manual", &["`manual`", "say so with `retire()`"]);
    let mut service = Service::new(env!("CARGO_BIN_EXE_calls")).arg("never");
    service = service.env("LIFECYCLE_WATCHDOG_STARTUP", "1s");
    let output = service.run().expect_code(1);
    assert!(verdict(&output).contains("its function was never called"), "{}", verdict(&output));
}
