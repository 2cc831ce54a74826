//! The unwinder: this thread's own stack.
//!
//! `_Unwind_Backtrace` is not on POSIX's list of what a signal handler may call. It takes no lock with glibc 2.35 and
//! later (`_dl_find_object`); before that it takes the loader's, so a thread that is frozen in `dlopen` stays without
//! a stack, and the report goes on without it.

use std::ffi::{c_int, c_void};

/// What `_Unwind_Backtrace` calls for each frame.
type OnFrame = extern "C" fn(*mut c_void, *mut c_void) -> c_int;

const GO_ON: c_int = 0;
const END_OF_STACK: c_int = 5;

unsafe extern "C" {
    fn _Unwind_Backtrace(on_frame: OnFrame, argument: *mut c_void) -> c_int;
    fn _Unwind_GetIPInfo(context: *mut c_void, before: *mut c_int) -> usize;
}

/// Calls `f` with each address of this thread's stack, innermost first, until it says false.
pub(crate) fn walk(mut f: impl FnMut(u64, bool) -> bool) {
    extern "C" fn on_frame<F: FnMut(u64, bool) -> bool>(context: *mut c_void, f: *mut c_void) -> c_int {
        let mut before = 0;
        // SAFETY: the unwinder passes its own context, and the closure of the call below.
        let (ip, f) = unsafe { (_Unwind_GetIPInfo(context, &raw mut before), &mut *f.cast::<F>()) };
        if ip != 0 && f(ip as u64, before != 0) { GO_ON } else { END_OF_STACK }
    }
    fn call<F: FnMut(u64, bool) -> bool>(f: &mut F) {
        // SAFETY: `on_frame` gets the closure back that it was made for, while it lives.
        unsafe { _Unwind_Backtrace(on_frame::<F>, std::ptr::from_mut(f).cast()) };
    }
    call(&mut f);
}

/// The address to look up: of the call, not of the instruction behind it.
pub(crate) fn of_call(ip: u64, interrupted: bool) -> u64 {
    if interrupted { ip } else { ip - 1 }
}
