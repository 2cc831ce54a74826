//! Background tasks, closures as hooks, reloads, and work that is no task.

use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Running, Service};

fn work(scenario: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_work")).arg(scenario).env("LIFECYCLE_RESTART", "off")
}

fn up(service: Service) -> Running {
    let mut service = service.start();
    service.line("up");
    service
}

fn terminated(service: Service) -> Output {
    let service = up(service);
    std::thread::sleep(Duration::from_millis(50));
    service.signal(libc::SIGTERM);
    service.wait()
}

fn closures(output: &Output) -> Vec<&str> {
    output.stdout.lines().filter_map(|line| line.strip_prefix("closure: ")).collect()
}

#[test]
fn closures_are_hooks_like_any_other() {
    let output = terminated(work("closures")).expect_code(0);
    let mut closures = closures(&output);
    // Those of one order run concurrently.
    closures[2..4].sort_unstable();
    assert_eq!(closures, ["early", "owned", "twice 1", "twice 2", "late"]);
    let lines = output.lines();
    let place = |text: &str| lines.iter().position(|line| line.starts_with(text));
    assert!(place("hook persist") < place("closure: owned"), "{lines:?}");
    assert!(
        output.stderr.contains("owned") && output.stderr.contains("src/bin/work.rs"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_closure_that_fails_or_hangs_is_reported_and_the_rest_runs() {
    let output = terminated(work("closure-fails")).expect_code(1);
    assert!(output.stdout.contains("hook persist"), "{}", output.stdout);
    for says in ["broken", "no disk", "stuck", "TIMED OUT"] {
        assert!(output.stderr.contains(says), "{says}: {}", output.stderr);
    }
}

#[test]
fn a_closure_whose_guard_lives_when_the_shutdown_begins_belongs_to_it() {
    let output = terminated(work("closure-of-main")).expect_code(0);
    assert_eq!(closures(&output), ["guarded"]);
}

#[test]
fn a_task_that_fails_is_restarted_alone() {
    for scenario in ["recovers", "panics"] {
        let mut service = work(scenario).start();
        service.line("works, restarts {\"Feed::run\": 2}");
        service.signal(libc::SIGTERM);
        let output = service.wait().expect_code(0);
        assert!(output.stdout.contains(&format!("{scenario} ends")), "drained: {}", output.stdout);
        assert!(output.stderr.contains("restart 2 of 2 in 30ms"), "{}", output.stderr);
        assert!(output.stderr.contains("connection 1 reset"), "{}", output.stderr);
    }
}

#[test]
fn a_task_that_fails_once_too_often_ends_the_run_with_its_last_error() {
    let output = work("fails").run().expect_code(1);
    assert_eq!(output.stdout.matches("fails call").count(), 3, "{}", output.stdout);
    assert!(output.stderr.contains("task `Feed::run` failed: connection 3 reset"), "{}", output.stderr);
    assert!(output.stdout.contains("hook persist"));
    let output = work("plain").run().expect_code(1);
    assert!(output.stderr.contains("task `plain task` failed: no second try"), "{}", output.stderr);
}

#[test]
fn a_free_task_begins_with_main() {
    let output = terminated(work("tasks")).expect_code(0);
    assert!(output.stdout.contains("free task"), "{}", output.stdout);
}

#[test]
fn a_hangup_reloads_by_order() {
    let mut service = up(work("reload"));
    for round in 1..=2 {
        service.signal(libc::SIGHUP);
        service.line(&format!("check {round}"));
        service.line("read at order 1");
        service.line("read at order 2");
        service.line("reloaded");
    }
    assert!(service.is_alive());
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(output.stdout.contains("no more reloads"));
    assert!(output.stderr.contains("reloaded: 3 hooks"), "{}", output.stderr);
}

/// A task may still use what it was reloaded from.
#[test]
fn an_instance_with_hooks_for_reloads_alone_is_kept_until_tasks_have_ended() {
    let mut service = up(work("reload-alone"));
    service.line("following");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    let at = |line: &str| output.stdout.find(line);
    assert!(at("follower is done").is_some(), "{}", output.stdout);
    // It is dropped on a thread of its own, which the exit does not wait for.
    assert!(
        at("config dropped").is_none_or(|_| at("config dropped") > at("follower is done")),
        "{}",
        output.stdout
    );
}

#[test]
fn a_reload_that_fails_is_reported_and_goes_no_further() {
    for (scenario, says) in
        [("reload-fails", "failed: line 7: unknown key"), ("reload-hangs", "timed out after 300ms")]
    {
        let mut service = up(work(scenario));
        service.signal(libc::SIGHUP);
        service.line("reloaded");
        service.signal(libc::SIGHUP);
        service.line("check 2");
        std::thread::sleep(Duration::from_millis(600));
        service.signal(libc::SIGHUP);
        service.line("check 3");
        service.line("reloaded");
        service.signal(libc::SIGTERM);
        let output = service.wait().expect_code(0);
        assert_eq!(output.stdout.matches("read at order 1").count(), 2, "{scenario}: {}", output.stdout);
        let line = output.stderr.lines().find(|line| line.contains("hook `Config::check` ("));
        assert!(line.is_some_and(|line| line.ends_with(says)), "{scenario}: {}", output.stderr);
    }
}

#[test]
fn a_hangup_does_what_the_option_says() {
    for (scenario, option, systemd, stops) in [
        ("closures", None, false, false),
        ("closures", Some("stop"), true, true),
        ("closures", Some("ignore"), false, false),
        ("reload", Some("stop"), false, true),
    ] {
        let mut service = work(scenario);
        service =
            option.into_iter().fold(service, |service, option| service.env("LIFECYCLE_ON_HANGUP", option));
        if systemd {
            service = service.env("INVOCATION_ID", "1");
        }
        let mut service = up(service);
        service.signal(libc::SIGHUP);
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(service.is_alive(), !stops, "{scenario} {option:?}");
        let _gone = service.signal_if_alive(libc::SIGTERM);
        let cause = if stops { "cause: SIGHUP" } else { "cause: SIGTERM" };
        let output = service.wait().expect_code(0);
        assert!(output.stderr.contains(cause), "{scenario} {option:?}: {}", output.stderr);
    }
}

#[test]
fn blocking_work_is_drained_and_its_failure_is_one_of_the_run() {
    let output = terminated(work("blocking")).expect_code(0);
    let lines = output.lines();
    let place = |text: &str| lines.iter().position(|line| line.starts_with(text));
    assert!(place("import ends").is_some() && place("import ends") < place("hook persist"), "{lines:?}");
    let output = work("blocking-panics").run().expect_code(1);
    assert!(output.stderr.contains("task `import` panicked: row 7 is broken"), "{}", output.stderr);
}

#[test]
fn blocking_work_that_does_not_end_is_exit_code_1_and_named() {
    let output = terminated(work("blocking-hangs").env("LIFECYCLE_DRAIN", "200ms")).expect_code(1);
    assert!(output.stderr.contains("import") && output.stderr.contains("STUCK"), "{}", output.stderr);
    let thread = output.stderr.lines().find(|line| line.trim_start().starts_with("thread "));
    let is_named = |line: &str| line.contains("blocking sleep") && line.contains("src/bin/work.rs:");
    assert!(thread.is_some_and(is_named), "{}", output.stderr);
    assert!(output.took < Duration::from_secs(20));
}

#[test]
fn a_drain_waits_for_work_and_says_so() {
    let output = terminated(work("busy")).expect_code(0);
    let lines = output.lines();
    let place = |text: &str| lines.iter().position(|line| line.starts_with(text));
    assert!(place("answered").is_some() && place("answered") < place("hook persist"), "{lines:?}");
    let says = "waiting for 1 under way (oldest `POST /orders` at ";
    assert!(output.stderr.contains(says), "{}", output.stderr);
}

#[test]
fn work_that_outlasts_the_drain_is_a_row_of_the_report() {
    let output = terminated(work("busy-for-ever").env("LIFECYCLE_DRAIN", "200ms")).expect_code(0);
    let row = output.stderr.lines().find(|line| line.contains("GET /events"));
    assert!(row.is_some_and(|row| row.contains("work.rs")), "{}", output.stderr);
    assert!(!output.stderr.contains("everything stopped: exit code 0"), "{}", output.stderr);
}

#[test]
fn in_the_drain_delay_the_service_works_and_is_not_ready() {
    let mut service = work("delay").env("LIFECYCLE_DRAIN_DELAY", "600ms").start();
    service.line("ready true running true");
    let sent = Instant::now();
    service.signal(libc::SIGTERM);
    service.line("state Stopping ready false running true");
    let _output = service.wait().expect_code(0);
    assert!(sent.elapsed() >= Duration::from_millis(590), "{:?}", sent.elapsed());
}

#[test]
fn the_drain_delay_ends_with_main_and_with_a_second_interrupt() {
    let mut service = work("delay-returns").env("LIFECYCLE_DRAIN_DELAY", "20s").start();
    service.line("up");
    let sent = Instant::now();
    service.signal(libc::SIGTERM);
    let _output = service.wait().expect_code(0);
    assert!(sent.elapsed() < Duration::from_secs(10), "{:?}", sent.elapsed());
    let service = up(work("closures").env("LIFECYCLE_DRAIN_DELAY", "20s"));
    let sent = Instant::now();
    service.signal(libc::SIGINT);
    std::thread::sleep(Duration::from_millis(400));
    service.signal(libc::SIGINT);
    let _output = service.wait().expect_code(130);
    assert!(sent.elapsed() < Duration::from_secs(10), "{:?}", sent.elapsed());
}

#[test]
fn readiness_may_be_left_to_the_service() {
    let ready = |service: Service| {
        let output = terminated(service).expect_code(0);
        let ready = output.stdout.lines().filter_map(|line| line.strip_prefix("ready ")).map(str::to_owned);
        ready.collect::<Vec<_>>()
    };
    assert_eq!(ready(work("ready").env("LIFECYCLE_READY", "explicit")), ["false", "false", "true"]);
    assert_eq!(ready(work("ready")), ["false", "true", "true"]);
}

#[test]
fn a_panic_that_nobody_tracks_is_warned_about_or_ends_the_run() {
    for scenario in ["stray-panic", "stray-thread"] {
        let output = terminated(work(scenario)).expect_code(0);
        assert!(output.stderr.contains("panicked: nobody looks ("), "{}", output.stderr);
        let output = work(scenario).env("LIFECYCLE_PANIC", "end").run().expect_code(1);
        assert!(output.stderr.contains("panicked: nobody looks"), "{}", output.stderr);
        assert!(output.stdout.contains("hook persist"), "{}", output.stdout);
    }
    for scenario in ["caught-panic", "tolerated-panic"] {
        let output = terminated(work(scenario).env("LIFECYCLE_PANIC", "end")).expect_code(0);
        assert!(output.stderr.contains("all is well"), "{}", output.stderr);
    }
}

#[test]
fn a_tracked_future_in_a_plain_task_is_in_reports_and_asks_for_main() {
    let mut service = up(work("track"));
    service.line("reported");
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(0);
    assert!(output.stderr.contains("tracked future"), "{}", output.stderr);
    assert!(!output.stderr.contains("never checks"), "main asked through it: {}", output.stderr);
}

#[test]
fn a_hook_knows_its_deadline() {
    let output = terminated(work("closures")).expect_code(0);
    assert!(output.stdout.contains("hook persist, 2 s left"), "{}", output.stdout);
}

#[test]
fn a_service_by_hand_runs_inside_another_runtime() {
    let output = terminated(work("closures").env("BY_HAND", "1")).expect_code(0);
    assert_eq!(output.lines()[..3], ["init", "runtime", "up"]);
    assert!(!output.path(".restart_count").exists(), "restarts are off");
}

fn watched(scenario: &str) -> Service {
    work(scenario)
        .env("LIFECYCLE_WATCHDOG_TIMEOUT", "20s")
        .env("LIFECYCLE_WATCHDOG_WORKER", "1s")
        .env("TOKIO_WORKER_THREADS", "8")
}

#[test]
fn a_worker_in_one_long_poll_of_any_task_is_warned_about_once_with_its_line() {
    let mut service = up(watched("long-poll"));
    service.line("of the runtime");
    service.line("end of the hang report");
    std::thread::sleep(Duration::from_millis(2_500));
    assert!(service.is_alive());
    service.signal(libc::SIGTERM);
    let output = service.wait();
    let warnings = output.stderr.matches("has been busy for").count();
    assert_eq!(warnings, 1, "{}", output.stderr);
    let is_suspect = |line: &str| line.starts_with("SUSPECT thread") && line.contains("src/bin/work.rs:");
    assert!(!cfg!(feature = "stacks") || output.stderr.lines().any(is_suspect), "{}", output.stderr);
}

#[test]
fn a_worker_with_many_short_polls_or_none_is_not_warned_about() {
    for scenario in ["short-polls", "closures"] {
        let service = up(watched(scenario));
        std::thread::sleep(Duration::from_millis(4_000));
        service.signal(libc::SIGTERM);
        let output = service.wait().expect_code(0);
        assert!(!output.stderr.contains("has been busy"), "{scenario}: {}", output.stderr);
    }
}

#[test]
fn instances_that_nobody_will_stop_are_warned_about_once() {
    let output = work("closures").env("NOBODY_RUNS", "1").run().expect_code(0);
    assert_eq!(output.stderr.matches("`State` is managed, but neither").count(), 1, "{}", output.stderr);
    assert!(!output.stdout.contains("hook persist"));
}
