//! A call of an annotated function begins: in which task and on which thread is known here, where heartbeats and tasks meet.

use crate::os::process::thread_id;
use crate::tasks::address::current_address;
use crate::watchdog::breadcrumb::Call;
use crate::watchdog::calls::Caller;
use crate::watchdog::heartbeat::Heartbeat;

/// Beats, and again when the call ends. `as_one`: the function may call itself, and then waits for the inner call.
#[inline]
pub fn enter(heartbeat: &'static Heartbeat, as_one: bool) -> Call {
    Call::begin(heartbeat, Caller { task: current_address(), thread: thread_id(), as_one })
}

/// As [`enter`], for an `async` function, which threads take in turns.
#[inline]
pub fn enter_async(heartbeat: &'static Heartbeat, as_one: bool) -> Call {
    Call::begin(heartbeat, Caller { task: current_address(), thread: 0, as_one })
}
