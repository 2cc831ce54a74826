//! What a crashed run of main leaves behind stays stopped for ever.

use std::time::Duration;

use lifecycle_tests::{Output, Service};

fn leftovers(kind: &str, crashes: u32) -> Output {
    let mut service =
        Service::new(env!("CARGO_BIN_EXE_leftovers")).arg(kind).arg(crashes.to_string()).start();
    service.line("stays up");
    std::thread::sleep(Duration::from_millis(700));
    service.signal(libc::SIGTERM);
    service.wait()
}

#[test]
fn threads_and_blocking_tasks_of_crashed_runs_send_no_orders() {
    for kind in ["thread", "blocking"] {
        for crashes in [1, 3] {
            let output = leftovers(kind, crashes);
            let (before, after) = output.stdout.split_once("stays up").expect("it stays up");
            let last = crashes + 1;
            assert!(after.contains(&format!("order of run {last}")), "{kind}: {after}");
            for run in 1..=crashes {
                let order = format!("order of run {run}\n");
                assert!(!after.contains(&order), "{kind} {run} of {crashes}: {before}--{after}");
            }
        }
    }
}

#[test]
fn a_thread_of_a_crashed_run_does_nothing_to_the_current_one() {
    let output = leftovers("meddler", 1).expect_code(0);
    assert!(output.stdout.contains("token is cancelled: true"), "{}", output.stdout);
    assert!(!output.stdout.contains("closed"), "{}", output.stdout);
    assert!(!output.stderr.contains("from the past"), "{}", output.stderr);
}

#[test]
fn a_thread_of_init_belongs_to_every_run() {
    let output = leftovers("init", 2);
    let (_, after) = output.stdout.split_once("stays up").expect("it stays up");
    assert!(after.contains("of init: true"), "{after}");
}
