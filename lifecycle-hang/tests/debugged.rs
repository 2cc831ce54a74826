//! Under a debugger no thread is sent a signal, at which the debugger would stop.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::thread::spawn;
use std::time::{Duration, Instant};

use lifecycle_hang::{ReportKind, Request};

fn spin() {
    loop {
        std::hint::spin_loop();
    }
}

fn report() -> String {
    let mut text = String::new();
    lifecycle_hang::write(&Request::new(ReportKind::Asked, &"debugged:"), &mut text).expect("memory");
    text
}

/// A process that traces this one until it is killed.
fn trace() -> libc::pid_t {
    // SAFETY: the child makes system calls only.
    unsafe {
        let tracee = libc::getpid();
        libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY, 0, 0, 0);
        let child = libc::fork();
        if child == 0 {
            libc::ptrace(libc::PTRACE_SEIZE, tracee, 0, 0);
            loop {
                libc::pause();
            }
        }
        child
    }
}

#[test]
fn nobody_is_sent_a_signal() {
    spawn(spin);
    std::thread::sleep(Duration::from_millis(100));
    assert!(report().contains("debugged::spin"), "a thread that runs tells where it is");
    let tracer = trace();
    let end = Instant::now() + Duration::from_secs(10);
    while !lifecycle_os::process::is_debugged() {
        assert!(Instant::now() < end, "it may not trace us");
        std::thread::sleep(Duration::from_millis(5));
    }
    let text = report();
    // SAFETY: a child of ours, which is not waited for yet.
    unsafe { libc::kill(tracer, libc::SIGKILL) };
    assert!(!text.contains("debugged::spin") && text.contains("end of the hang report"), "{text}");
}
