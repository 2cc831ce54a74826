//! A report never harms the service that it is about.

use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use libc::{SIGQUIT, SIGTERM};
use lifecycle_tests::hang::suspect;
use lifecycle_tests::{Service, process};

fn limit(service: &mut Service, limit: libc::__rlimit_resource_t, value: u64) {
    // SAFETY: setrlimit is a plain system call.
    unsafe {
        service.command().pre_exec(move || {
            let limits = libc::rlimit { rlim_cur: value, rlim_max: value };
            libc::setrlimit(limit, &raw const limits);
            Ok(())
        });
    }
}

#[test]
fn a_limit_on_the_size_of_files_costs_lines_at_most() {
    let mut service = Service::new(env!("CARGO_BIN_EXE_matrix")).arg("mutex");
    service = service.env("LIFECYCLE_WATCHDOG_TIMEOUT", "1s").env("LIFECYCLE_RESTART", "off");
    limit(&mut service, libc::RLIMIT_FSIZE, 4096);
    let output = service.run().expect_code(1);
    assert!(output.stderr.contains("CRITICAL"), "{}", output.stderr);
    suspect(&output.stderr, &["blocked on a Mutex in mutex"]);
}

#[test]
fn threads_with_small_stacks_or_without_signals_go_on() {
    let mut service = Service::new(env!("CARGO_BIN_EXE_serves")).arg("odd-threads");
    service = service.env("LIFECYCLE_WATCHDOG", "off");
    let mut service = service.start();
    service.line("turn 5");
    for _ in 0..3 {
        service.signal(SIGQUIT);
        service.line("end of the hang report");
        service.line("turn");
    }
    assert_eq!(process::pending_signals(service.pid()), 0, "signals that stay queued");
    service.signal(SIGTERM);
    let _ = service.wait().expect_code(0);
}

/// Where memory runs out, the helper is killed and never the service; and it knows no secret of the service's.
#[test]
fn the_helper_is_the_first_victim_and_knows_no_secrets() {
    let mut service = Service::new(env!("CARGO_BIN_EXE_serves")).env("PASSWORD", "a secret").start();
    service.line("turn 5");
    let mut seen = 0;
    for _ in 0..5 {
        service.signal(SIGQUIT);
        let end = Instant::now() + Duration::from_millis(400);
        while Instant::now() < end {
            for helper in process::children(service.pid()) {
                let read = |file: &str| std::fs::read_to_string(format!("/proc/{helper}/{file}"));
                // Before the helper's first lines, and once it has ended, there is nothing to see.
                if let (Ok(score), Ok(environment)) = (read("oom_score_adj"), read("environ"))
                    && score.trim() == "1000"
                {
                    seen += 1;
                    assert!(!environment.contains("secret"), "{environment:?}");
                }
            }
        }
        service.line("end of the hang report");
    }
    assert!(seen > 0, "no helper with a score of its own");
    service.signal(SIGTERM);
    let _ = service.wait().expect_code(0);
}
