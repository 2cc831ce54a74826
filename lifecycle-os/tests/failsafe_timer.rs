//! The failsafe timer in processes of their own: each a fork of the test that calls nothing but the system.

#![cfg(target_os = "linux")]

use std::ffi::c_int;
use std::time::{Duration, Instant};

use lifecycle_os::failsafe_timer::FailsafeTimer;
use lifecycle_os::sigaction::{all_but, change_mask};

static TIMER: FailsafeTimer = FailsafeTimer::new("the test's time is over");

const SOON: Duration = Duration::from_millis(300);

/// The status with which a child ends that runs `f`, and then sleeps for four seconds.
fn ends_with(f: fn()) -> (c_int, Duration) {
    let begun = Instant::now();
    // SAFETY: the child makes system calls only.
    let status = unsafe {
        let child = libc::fork();
        if child == 0 {
            f();
            let end = Instant::now() + Duration::from_secs(4);
            while Instant::now() < end {
                libc::usleep(1000);
            }
            libc::_exit(7);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        status
    };
    (status, begun.elapsed())
}

/// As [`ends_with`]; at `SOON`, by exit code 1.
fn ends_soon(f: fn()) {
    let (status, elapsed) = ends_with(f);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 1, "status {status:#x}");
    assert!(elapsed >= SOON && elapsed < Duration::from_secs(3), "{elapsed:?}");
}

#[test]
fn the_process_ends_once_its_time_is_over() {
    ends_soon(|| TIMER.arm(SOON));
    ends_soon(|| {
        TIMER.prepare();
        TIMER.arm(Duration::from_secs(30));
        TIMER.arm(SOON);
    });
}

#[test]
fn one_that_is_disarmed_does_nothing() {
    let (status, _) = ends_with(|| {
        TIMER.arm(SOON);
        TIMER.disarm();
    });
    assert_eq!(libc::WEXITSTATUS(status), 7, "status {status:#x}");
}

#[test]
fn a_process_that_may_have_no_signals_pending_ends_all_the_same() {
    ends_soon(|| {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: a valid limit.
        unsafe { libc::setrlimit(libc::RLIMIT_SIGPENDING, &raw const none) };
        TIMER.arm(SOON);
    });
}

#[test]
fn a_process_that_takes_no_signal_is_killed_a_second_later() {
    let (status, elapsed) = ends_with(|| {
        TIMER.arm(SOON);
        change_mask(libc::SIG_SETMASK, &all_but(&[]));
    });
    assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGKILL, "status {status:#x}");
    assert!(elapsed >= Duration::from_secs(1), "{elapsed:?}");
}
