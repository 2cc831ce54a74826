//! `sigaction` and signal masks. May be called while the process is broken, and in a signal handler.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

pub use libc::{sigaction as Action, sigset_t as Set};

/// A handler that wants the signal alone.
pub type Handler = extern "C" fn(c_int);

/// A handler with SA_SIGINFO.
pub type InfoHandler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// What is installed for a signal now.
#[must_use]
pub fn current(signal: c_int) -> Action {
    // SAFETY: asks only; zeroed, a sigaction is valid.
    unsafe {
        let mut action: Action = MaybeUninit::zeroed().assume_init();
        libc::sigaction(signal, null(), &raw mut action);
        action
    }
}

/// Whether the signal is ignored.
#[must_use]
pub fn is_ignored(signal: c_int) -> bool {
    current(signal).sa_sigaction == libc::SIG_IGN
}

/// From now on `handler` is called, with the signals of `mask` blocked.
///
/// # Safety
/// The handler may interrupt anything: it does only what POSIX lets a signal handler do, or says why it may do more.
pub unsafe fn install(signal: c_int, handler: Handler, flags: c_int, mask: &Set) {
    set(signal, handler as libc::sighandler_t, flags, mask);
}

/// As [`install`], with SA_SIGINFO.
///
/// # Safety
/// As of [`install`].
pub unsafe fn install_with_info(signal: c_int, handler: InfoHandler, flags: c_int, mask: &Set) {
    set(signal, handler as libc::sighandler_t, flags | libc::SA_SIGINFO, mask);
}

/// Puts back what [`current`] has returned.
///
/// # Safety
/// The handler in it may still be called.
pub unsafe fn restore(signal: c_int, action: &Action) {
    // SAFETY: a valid sigaction, as the caller has promised.
    unsafe { libc::sigaction(signal, action, null_mut()) };
}

/// The signal has no effect from now on.
pub fn ignore(signal: c_int) {
    set(signal, libc::SIG_IGN, 0, &set_of(&[]));
}

/// The kernel's default from now on.
pub fn set_default(signal: c_int) {
    set(signal, libc::SIG_DFL, 0, &set_of(&[]));
}

fn set(signal: c_int, handler: libc::sighandler_t, flags: c_int, mask: &Set) {
    // SAFETY: a valid sigaction; the callers have the promise about the handler.
    unsafe {
        let mut action: Action = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        action.sa_mask = *mask;
        libc::sigaction(signal, &raw const action, null_mut());
    }
}

/// Hands a signal on to whatever was installed before, as the kernel would have called it; the default is put back and
/// takes effect when the instruction faults again, or when the signal is raised again.
///
/// # Safety
/// `before` was the action of this signal, and the arguments are those of the handler that calls this.
pub unsafe fn call_previous(
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

/// Runs `f` so that a file that is too long for the process (RLIMIT_FSIZE) is an error of the call that writes to it, and
/// does not end the process by SIGXFSZ.
pub fn without_file_size_signal<T>(f: impl FnOnce() -> T) -> T {
    let signal = set_of(&[libc::SIGXFSZ]);
    let before = change_mask(libc::SIG_BLOCK, &signal);
    let result = f();
    // SAFETY: valid sets and a valid time. The kernel sends it to the thread that wrote: if it is there, it is ours.
    unsafe {
        if libc::sigismember(&raw const before, libc::SIGXFSZ) == 0 {
            take_pending(&signal);
        }
    }
    change_mask(libc::SIG_SETMASK, &before);
    result
}

/// Takes what is pending of blocked signals; waits for none.
///
/// # Safety
/// A set that is filled.
#[cfg(not(target_vendor = "apple"))]
unsafe fn take_pending(signals: &Set) {
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid set and a valid time.
    unsafe { libc::sigtimedwait(signals, null_mut(), &raw const at_once) };
}

/// Takes what is pending of one blocked signal; waits for none. There is no `sigtimedwait` on this system.
///
/// # Safety
/// A set that is filled.
#[cfg(target_vendor = "apple")]
unsafe fn take_pending(signals: &Set) {
    // SAFETY: valid sets; whoever is pending for this thread stays so until it is taken here.
    unsafe {
        let mut pending = set_of(&[]);
        libc::sigpending(&raw mut pending);
        if libc::sigismember(&raw const pending, libc::SIGXFSZ) == 1 {
            let mut taken = 0;
            libc::sigwait(signals, &raw mut taken);
        }
    }
}

/// Sends a signal to this process; once no thread blocks it, it is delivered.
pub fn raise(signal: c_int) {
    // SAFETY: takes numbers only.
    unsafe { libc::kill(libc::getpid(), signal) };
}

/// These signals.
#[must_use]
pub fn set_of(signals: &[c_int]) -> Set {
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

/// Every signal but these.
#[must_use]
pub fn all_but(signals: &[c_int]) -> Set {
    // SAFETY: as in `set_of`.
    unsafe {
        let mut set: Set = MaybeUninit::zeroed().assume_init();
        libc::sigfillset(&raw mut set);
        for signal in signals {
            libc::sigdelset(&raw mut set, *signal);
        }
        set
    }
}

/// How a thread's mask is changed: SIG_BLOCK, SIG_UNBLOCK or SIG_SETMASK. Returns the mask that was in force.
#[expect(clippy::must_use_candidate, reason = "it is called for its effect")]
pub fn change_mask(how: c_int, set: &Set) -> Set {
    // SAFETY: two valid sets.
    unsafe {
        let mut before = set_of(&[]);
        libc::pthread_sigmask(how, set, &raw mut before);
        before
    }
}
