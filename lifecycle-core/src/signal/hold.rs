//! Stop signals are held while the process's image is replaced: a count in the old image would not reach the new one.

use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use super::{HANGUP, INTERRUPT, TERMINATE};

static HELD: AtomicBool = AtomicBool::new(false);

/// While held, a stop signal stays pending. A handler that had begun before may still count.
pub(crate) fn hold(held: bool) {
    HELD.store(held, SeqCst);
}

pub(super) fn is_held() -> bool {
    HELD.load(SeqCst)
}

/// Whether a stop was asked for since the last look; takes nothing.
pub(crate) fn is_stop_pending() -> bool {
    [&TERMINATE, &INTERRUPT, &HANGUP].into_iter().any(|count| count.load(SeqCst) > 0)
}

/// For the handler. Sent to the process again, and blocked in this thread until the hold is over: so it goes from
/// thread to thread, until none is left that takes it. The holder needs none of them, and the new image ends them.
pub(super) fn give_back(signal: c_int) {
    // SAFETY: all of them are on POSIX's list of async-signal-safe functions; no pointer is read.
    unsafe {
        libc::kill(libc::getpid(), signal);
        while is_held() {
            libc::poll(null_mut(), 0, 5);
        }
    }
}
