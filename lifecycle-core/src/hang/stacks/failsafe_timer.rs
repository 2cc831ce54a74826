//! The failsafe_timer: ends the process some seconds after the verdict, whatever the report, the logger or the ledger do.
//!
//! Not a thread but two timers of the kernel's, so that normal running pays nothing for it: at the first a signal handler
//! calls `_exit(1)` on whichever thread takes it; should none be able to, the second is SIGKILL a second later.

use std::ffi::c_int;
use std::mem::zeroed;
use std::ptr::null_mut;
use std::time::Duration;

/// After it the process is gone.
pub(crate) const FAILSAFE: Duration = Duration::from_secs(5);
const KILL_AFTER: Duration = Duration::from_secs(6);

extern "C" fn on_time(_: c_int) {
    const LINE: &[u8] = b"CRITICAL lifecycle: the hang report takes too long: the process ends now\n";
    crate::os::stderr::write_until(2, LINE, std::time::Instant::now());
    crate::os::process::exit(1);
}

/// Starts it. Allocates nothing: the system calls are made directly, since older C libraries allocate for a timer.
pub(crate) fn arm() {
    // SAFETY: zeroed, these structures are valid; the handler makes system calls only. The signal is unblocked at least
    // on this thread, which goes on to make the report.
    unsafe {
        let signal = libc::SIGRTMAX();
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = on_time as extern "C" fn(c_int) as usize;
        libc::sigfillset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, null_mut());
        let mut set: libc::sigset_t = zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, null_mut());
        start(signal, FAILSAFE);
        start(libc::SIGKILL, KILL_AFTER);
    }
}

/// # Safety
/// The process must be ready for the signal.
unsafe fn start(signal: c_int, after: Duration) {
    // SAFETY: zeroed, these structures are valid; the kernel copies them.
    unsafe {
        let mut event: libc::sigevent = zeroed();
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = signal;
        let mut timer: c_int = 0;
        if libc::syscall(libc::SYS_timer_create, libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) == 0 {
            let mut when: libc::itimerspec = zeroed();
            when.it_value.tv_sec = after.as_secs() as i64;
            libc::syscall(libc::SYS_timer_settime, timer, 0, &raw const when, null_mut::<libc::itimerspec>());
        }
    }
}
