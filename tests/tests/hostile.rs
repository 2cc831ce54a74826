//! Programs and environments that do what nobody expects of them: the hooks run, and what is to be said is said.

use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use lifecycle_tests::{Output, Service, pipe};

fn hostile(scenario: &str) -> Service {
    Service::new(env!("CARGO_BIN_EXE_hostile")).arg(scenario)
}

fn terminated(service: Service) -> Output {
    let mut service = service.start();
    service.line("up");
    service.signal(libc::SIGTERM);
    service.wait().expect_code(1)
}

#[test]
fn a_scoped_subscriber_somewhere_silences_nobody() {
    let output = terminated(hostile("scoped"));
    assert!(output.stderr.contains("hook `Store::flush` failed: exit code 1"), "{}", output.stderr);
}

#[test]
fn a_layer_that_panics_costs_no_record() {
    let output = terminated(hostile("layer"));
    assert!(output.stderr.contains("hook `Store::flush` failed: exit code 1"), "{}", output.stderr);
    assert!(output.stdout.contains("flush\nclose"), "{}", output.stdout);
}

#[test]
fn a_waker_that_panics_at_the_shutdown_costs_no_hook() {
    let output = terminated(hostile("waker"));
    assert!(output.stdout.contains("flush\nclose"), "{}", output.stdout);
}

#[test]
fn a_forked_child_that_does_not_call_exec_dies_of_sigterm() {
    let output = terminated(hostile("fork"));
    assert!(output.stdout.contains(&format!("killed by {}", libc::SIGTERM)), "{}", output.stdout);
}

#[test]
fn a_replaced_handler_of_ctrl_c_is_warned_about() {
    let output = terminated(hostile("replaced"));
    assert!(output.stderr.contains("has replaced the handler of SIGINT"), "{}", output.stderr);
}

#[test]
fn an_inherited_ignore_of_ctrl_c_is_respected() {
    let mut service = hostile("plain");
    // SAFETY: signal is async-signal-safe.
    unsafe {
        service.command().pre_exec(|| {
            libc::signal(libc::SIGINT, libc::SIG_IGN);
            Ok(())
        });
    }
    let mut service = service.start();
    service.line("up");
    service.signal(libc::SIGINT);
    std::thread::sleep(Duration::from_millis(200));
    assert!(service.is_alive());
    service.signal(libc::SIGTERM);
    let output = service.wait().expect_code(1);
    assert_eq!(output.stderr.matches("SIGINT was ignored").count(), 1, "said once: {}", output.stderr);
    assert!(!output.stderr.contains("replaced the handler"), "{}", output.stderr);
}

#[test]
fn a_wrong_variable_of_tokio_is_refused_by_name() {
    let output = hostile("plain").env("TOKIO_WORKER_THREADS", "abc").run().expect_code(78);
    assert!(output.stderr.contains("TOKIO_WORKER_THREADS=abc"), "{}", output.stderr);
    assert!(!output.path(".restart_count").exists());
}

fn limited(limit: libc::__rlimit_resource_t, value: u64) -> Service {
    let mut service = hostile("plain");
    // SAFETY: setrlimit is a plain system call.
    unsafe {
        service.command().pre_exec(move || {
            let limits = libc::rlimit { rlim_cur: value, rlim_max: value };
            libc::setrlimit(limit, &raw const limits);
            Ok(())
        });
    }
    service
}

#[test]
fn a_limit_on_the_size_of_files_costs_a_warning_and_not_the_process() {
    let output = terminated(limited(libc::RLIMIT_FSIZE, 0));
    assert!(output.stderr.contains("counting crashes in memory"), "{}", output.stderr);
    assert!(output.stdout.contains("flush\nclose"), "{}", output.stdout);
}

#[test]
fn a_second_ctrl_c_is_at_once_whatever_stderr_does() {
    let (_reader, writer) = pipe::full();
    let mut service = Service::new(env!("CARGO_BIN_EXE_crowd")).args(["two-workers", "async", "sleep", "50"]);
    service.command().stderr(Stdio::from(writer));
    let mut service = service.start();
    service.line("up");
    service.signal(libc::SIGINT);
    std::thread::sleep(Duration::from_millis(400));
    let sent = Instant::now();
    service.signal(libc::SIGINT);
    let _ = service.wait().expect_code(130);
    assert!(sent.elapsed() < Duration::from_secs(2), "{:?}", sent.elapsed());
}
