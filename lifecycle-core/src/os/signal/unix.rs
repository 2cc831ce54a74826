//! The handler and its installation.

use std::ffi::c_int;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::{COUNTS, count_interrupt, hold};
use crate::os::wakeup::{self, Wakeup};
use crate::os::{deadline, process, sigaction};

/// What the handler needs to know.
struct Handler {
    /// Descriptors of their wake-ups.
    orchestrator: AtomicI32,
    watchdog: AtomicI32,
    /// The process that installed it.
    owner: AtomicI32,
}

/// Process-wide, as signal handlers are.
static HANDLER: Handler =
    Handler { orchestrator: AtomicI32::new(-1), watchdog: AtomicI32::new(-1), owner: AtomicI32::new(0) };

/// What has our handler.
pub(crate) const STOP_SIGNALS: [c_int; 4] = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP];

/// Async-signal-safe: atomics, `getpid`, `clock_gettime`, `write`, `kill`, `sigaction`, `_exit`; errno is kept for the
/// code that was interrupted.
extern "C" fn on_signal(signal: c_int) {
    // SAFETY: on POSIX's list of async-signal-safe functions.
    if unsafe { libc::getpid() } != HANDLER.owner.load(Relaxed) {
        // A child that was forked and has not called exec: it shares our socket pair, but the signal was not for us.
        sigaction::set_default(signal);
        sigaction::raise(signal);
        return;
    }
    let errno = errno();
    if hold::is_held() {
        hold::give_back(signal);
        return set_errno(errno);
    }
    match signal {
        libc::SIGTERM => drop(COUNTS.terminate.fetch_add(1, SeqCst)),
        libc::SIGHUP => drop(COUNTS.hangup.fetch_add(1, SeqCst)),
        libc::SIGQUIT => drop(COUNTS.quit.fetch_add(1, Relaxed)),
        _ => {
            if count_interrupt() {
                process::exit(130);
            }
        }
    }
    if signal != libc::SIGQUIT {
        // Here, not by the orchestrator: whatever that is stuck in, the bound holds from this moment.
        if deadline::arm() {
            wakeup::notify(HANDLER.watchdog.load(Relaxed));
        }
    }
    wakeup::notify(HANDLER.orchestrator.load(Relaxed));
    set_errno(errno);
}

/// Installs the handlers, and lifts a mask that was inherited. What was ignored on purpose stays ignored: SIGHUP by
/// `nohup`, SIGINT by a shell that starts a job in the background.
pub(crate) fn install(orchestrator: &'static Wakeup, watchdog: &'static Wakeup) {
    // SAFETY: getpid cannot fail.
    HANDLER.owner.store(unsafe { libc::getpid() }, Relaxed);
    HANDLER.orchestrator.store(orchestrator.descriptor(), Relaxed);
    HANDLER.watchdog.store(watchdog.descriptor(), Relaxed);
    for signal in STOP_SIGNALS {
        let may_be_ignored = matches!(signal, libc::SIGHUP | libc::SIGINT);
        if !(may_be_ignored && sigaction::is_ignored(signal)) {
            let mask = sigaction::set_of(&STOP_SIGNALS);
            // SAFETY: the handler stores into atomics and writes to a descriptor.
            unsafe { sigaction::install(signal, on_signal, libc::SA_RESTART | libc::SA_ONSTACK, &mask) };
        }
    }
    sigaction::ignore(libc::SIGPIPE);
    // Later threads inherit this thread's mask.
    sigaction::change_mask(libc::SIG_UNBLOCK, &sigaction::set_of(&STOP_SIGNALS));
}

/// Whether another handler has taken the place of ours since: then Ctrl-C does not reach us.
pub(crate) fn foreign_interrupt_handler() -> bool {
    let handler = sigaction::current(libc::SIGINT).sa_sigaction;
    handler != on_signal as sigaction::Handler as libc::sighandler_t && handler != libc::SIG_IGN
}

/// Whether Ctrl-C does nothing, as whoever started the process, or the program itself, has chosen.
pub(crate) fn interrupt_is_ignored() -> bool {
    sigaction::is_ignored(libc::SIGINT)
}

fn errno() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

#[cfg(any(target_os = "linux", target_os = "emscripten"))]
fn set_errno(errno: c_int) {
    // SAFETY: the address of this thread's errno.
    unsafe { *libc::__errno_location() = errno };
}

#[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
fn set_errno(errno: c_int) {
    // SAFETY: the address of this thread's errno.
    unsafe { *libc::__error() = errno };
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "emscripten",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd"
)))]
fn set_errno(_: c_int) {}
