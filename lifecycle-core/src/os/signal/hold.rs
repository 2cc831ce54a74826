//! Stop signals are held while the process is re-executed: a count in the old image would not reach the new one.
//! Everything here may be called while the process is broken.

use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use super::COUNTS;
use crate::os::sigaction;

struct Hold {
    is_held: AtomicBool,
    /// Threads that wait in the handler for the end of the hold.
    parked: AtomicUsize,
}

/// Read by the handler, so process-wide.
static HOLD: Hold = Hold { is_held: AtomicBool::new(false), parked: AtomicUsize::new(0) };

/// While held, a stop signal stays pending; SIGQUIT parks the thread that takes it. A handler that had begun before may
/// still count.
pub(crate) fn hold(held: bool) {
    HOLD.is_held.store(held, SeqCst);
}

pub(crate) fn parked() -> usize {
    HOLD.parked.load(SeqCst)
}

pub(super) fn is_held() -> bool {
    HOLD.is_held.load(SeqCst)
}

/// Whether a stop was asked for since the last look; takes nothing.
pub(crate) fn is_stop_pending() -> bool {
    let counts = [&COUNTS.terminate, &COUNTS.interrupt, &COUNTS.hangup, &COUNTS.repeated_interrupt];
    counts.into_iter().any(|count| count.load(SeqCst) > 0)
}

/// For the handler. The signal is sent to the process again, and blocked in this thread until the hold is over: so it goes from
/// thread to thread, until none is left that takes it. The holder needs none of them, and the re-exec ends them.
pub(super) fn give_back(signal: c_int) {
    if signal != libc::SIGQUIT {
        sigaction::raise(signal);
    }
    HOLD.parked.fetch_add(1, SeqCst);
    while is_held() {
        // SAFETY: async-signal-safe by POSIX; no pointer is read.
        unsafe { libc::poll(null_mut(), 0, 5) };
    }
    HOLD.parked.fetch_sub(1, SeqCst);
}
