//! `sigaction` and signal masks. May be called while the process is broken, and in a signal handler.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

pub(crate) use libc::{sigaction as Action, sigset_t as Set};

/// A handler that wants the signal alone.
pub(crate) type Handler = extern "C" fn(c_int);

/// A handler with SA_SIGINFO.
pub(crate) type InfoHandler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// What is installed for a signal now.
pub(crate) fn current(signal: c_int) -> Action {
    // SAFETY: asks only; zeroed, a sigaction is valid.
    unsafe {
        let mut action: Action = MaybeUninit::zeroed().assume_init();
        libc::sigaction(signal, null(), &raw mut action);
        action
    }
}

pub(crate) fn is_ignored(signal: c_int) -> bool {
    current(signal).sa_sigaction == libc::SIG_IGN
}

/// A handler that may interrupt anything: it must do only what POSIX lets a signal handler do. While it runs, the
/// signals of `mask` are blocked.
pub(crate) fn install(signal: c_int, handler: Handler, flags: c_int, mask: &[c_int]) {
    set(signal, handler as libc::sighandler_t, flags, mask);
}

/// As [`install`].
pub(crate) fn install_with_info(signal: c_int, handler: InfoHandler, flags: c_int) {
    set(signal, handler as libc::sighandler_t, flags | libc::SA_SIGINFO, &[]);
}

pub(crate) fn ignore(signal: c_int) {
    set(signal, libc::SIG_IGN, 0, &[]);
}

pub(crate) fn set_default(signal: c_int) {
    set(signal, libc::SIG_DFL, 0, &[]);
}

fn set(signal: c_int, handler: libc::sighandler_t, flags: c_int, mask: &[c_int]) {
    // SAFETY: a valid sigaction; what the handler may do is said above.
    unsafe {
        let mut action: Action = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        action.sa_mask = set_of(mask);
        libc::sigaction(signal, &raw const action, null_mut());
    }
}

/// Hands a signal on to whatever was installed before, as the kernel would have called it; the default is put back and
/// takes effect when the instruction faults again, or when the signal is raised again.
pub(crate) fn call_previous(
    before: &Action,
    signal: c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
) {
    match before.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => set_default(signal),
        // SAFETY: a handler that was installed with SA_SIGINFO takes these arguments.
        handler if before.sa_flags & libc::SA_SIGINFO != 0 => unsafe {
            std::mem::transmute::<libc::sighandler_t, InfoHandler>(handler)(signal, info, context);
        },
        // SAFETY: a handler of one argument.
        handler => unsafe { std::mem::transmute::<libc::sighandler_t, Handler>(handler)(signal) },
    }
}

/// Sends a signal to this process; once no thread blocks it, it is delivered.
pub(crate) fn raise(signal: c_int) {
    // SAFETY: takes numbers only.
    unsafe { libc::kill(libc::getpid(), signal) };
}

pub(crate) fn set_of(signals: &[c_int]) -> Set {
    // SAFETY: a zeroed set is filled by the first call.
    unsafe {
        let mut set: Set = MaybeUninit::zeroed().assume_init();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        set
    }
}

/// How a thread's mask is changed: SIG_BLOCK, SIG_UNBLOCK or SIG_SETMASK. Returns the mask that was in force.
pub(crate) fn change_mask(how: c_int, set: &Set) -> Set {
    // SAFETY: two valid sets.
    unsafe {
        let mut before = set_of(&[]);
        libc::pthread_sigmask(how, set, &raw mut before);
        before
    }
}
