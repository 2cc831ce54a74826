//! A report never harms the service that it is about.

use std::os::unix::process::CommandExt;

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
