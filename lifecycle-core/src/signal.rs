//! Signals: counted by the handler, read by the orchestrator, handled from the first line of main to the last.

#[cfg(unix)]
pub(crate) mod hold;

use std::fmt;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use serde::Serialize;

use crate::bell::Bell;

/// A signal that ends a service.
///
/// ```
/// use lifecycle::{Cause, Signal};
///
/// assert_eq!(Cause::Signal(Signal::Terminate).to_string(), "SIGTERM");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Signal {
    /// SIGTERM, what platforms send; on Windows, closing the console.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGHUP: the terminal went away.
    Hangup,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Terminate => "SIGTERM",
            Signal::Interrupt => "SIGINT (Ctrl-C)",
            Signal::Hangup => "SIGHUP",
        })
    }
}

static TERMINATE: AtomicU32 = AtomicU32::new(0);
static INTERRUPT: AtomicU32 = AtomicU32::new(0);
static HANGUP: AtomicU32 = AtomicU32::new(0);
static QUIT: AtomicU32 = AtomicU32::new(0);

/// What arrived since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) terminate: u32,
    pub(crate) interrupt: u32,
    pub(crate) hangup: u32,
    pub(crate) quit: u32,
}

/// Takes what the handler counted. The order of two signals that arrive between two looks is not kept.
pub(crate) fn take() -> Arrived {
    Arrived {
        terminate: TERMINATE.swap(0, Relaxed),
        interrupt: INTERRUPT.swap(0, Relaxed),
        hangup: HANGUP.swap(0, Relaxed),
        quit: QUIT.swap(0, Relaxed),
    }
}

impl Arrived {
    /// The signal that a shutdown is to be started for.
    pub(crate) fn stop(self) -> Option<Signal> {
        [
            (self.terminate, Signal::Terminate),
            (self.interrupt, Signal::Interrupt),
            (self.hangup, Signal::Hangup),
        ]
        .into_iter()
        .find_map(|(count, signal)| (count > 0).then_some(signal))
    }

    /// Without one occurrence of `signal`: what came on top of the one that was acted on.
    pub(crate) fn without(mut self, signal: Signal) -> Arrived {
        let count = match signal {
            Signal::Terminate => &mut self.terminate,
            Signal::Interrupt => &mut self.interrupt,
            Signal::Hangup => &mut self.hangup,
        };
        *count = count.saturating_sub(1);
        self
    }
}

/// Installs the handlers; the bell must live as long as the process.
pub(crate) fn install(bell: &'static Bell) {
    imp::install(bell);
}

#[cfg(unix)]
pub(crate) use imp::{STOP_SIGNALS, disposition, set};

#[cfg(unix)]
mod imp {
    use std::ffi::c_int;
    use std::mem::MaybeUninit;
    use std::ptr::{null, null_mut};
    use std::sync::atomic::AtomicI32;
    use std::sync::atomic::Ordering::{Relaxed, SeqCst};

    use super::{HANGUP, INTERRUPT, QUIT, TERMINATE, hold};
    use crate::bell::{self, Bell};
    use crate::watchdog::{self, deadline};

    static DESCRIPTOR: AtomicI32 = AtomicI32::new(-1);
    static WATCHDOG: AtomicI32 = AtomicI32::new(-1);
    static OWNER: AtomicI32 = AtomicI32::new(0);
    /// Interrupts seen in all; never taken back.
    static INTERRUPTS: AtomicI32 = AtomicI32::new(0);

    /// What has our handler.
    pub(crate) const STOP_SIGNALS: [c_int; 4] = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP];

    /// Async-signal-safe: atomics, `getpid`, `write`, `_exit`; errno is kept for the code that was interrupted.
    extern "C" fn on_signal(signal: c_int) {
        // SAFETY: both are on POSIX's list of async-signal-safe functions.
        if unsafe { libc::getpid() } != OWNER.load(Relaxed) {
            // A child between fork and exec: it shares our pipe, but the signal was not for us.
            return;
        }
        let errno = errno();
        if hold::is_held() {
            hold::give_back(signal);
            return set_errno(errno);
        }
        match signal {
            libc::SIGTERM => TERMINATE.fetch_add(1, SeqCst),
            libc::SIGHUP => HANGUP.fetch_add(1, SeqCst),
            libc::SIGQUIT => QUIT.fetch_add(1, Relaxed),
            _ => {
                // The orchestrator acts on the second; whatever it may be stuck in, the third ends it.
                if INTERRUPTS.fetch_add(1, Relaxed) >= 2 {
                    crate::raw::exit(130);
                }
                INTERRUPT.fetch_add(1, SeqCst)
            }
        };
        if signal != libc::SIGQUIT {
            // Here, not by the orchestrator: whatever that is stuck in, the bound holds from this moment.
            deadline::arm();
            bell::ring(WATCHDOG.load(Relaxed));
        }
        bell::ring(DESCRIPTOR.load(Relaxed));
        set_errno(errno);
    }

    pub(super) fn install(bell: &'static Bell) {
        // SAFETY: getpid cannot fail.
        OWNER.store(unsafe { libc::getpid() }, Relaxed);
        DESCRIPTOR.store(bell.descriptor(), Relaxed);
        WATCHDOG.store(watchdog::bell().descriptor(), Relaxed);
        let handler = on_signal as extern "C" fn(c_int) as libc::sighandler_t;
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT] {
            set(signal, handler);
        }
        // `nohup` starts us with SIGHUP ignored, and means it.
        if disposition(libc::SIGHUP) != libc::SIG_IGN {
            set(libc::SIGHUP, handler);
        }
        set(libc::SIGPIPE, libc::SIG_IGN);
        unblock(STOP_SIGNALS);
    }

    pub(crate) fn set(signal: c_int, handler: libc::sighandler_t) {
        // SAFETY: a zeroed sigaction is valid; the handler does only what a handler may.
        unsafe {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = handler;
            action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
            libc::sigemptyset(&raw mut action.sa_mask);
            for other in STOP_SIGNALS {
                libc::sigaddset(&raw mut action.sa_mask, other);
            }
            libc::sigaction(signal, &raw const action, null_mut());
        }
    }

    pub(crate) fn disposition(signal: c_int) -> libc::sighandler_t {
        // SAFETY: asks only; a zeroed sigaction is valid.
        unsafe {
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            libc::sigaction(signal, null(), &raw mut action);
            action.sa_sigaction
        }
    }

    /// Whoever started us may have blocked them; later threads inherit this thread's mask.
    fn unblock(signals: [c_int; 4]) {
        // SAFETY: a set that is initialised first.
        unsafe {
            let mut set: libc::sigset_t = MaybeUninit::zeroed().assume_init();
            libc::sigemptyset(&raw mut set);
            for signal in signals {
                libc::sigaddset(&raw mut set, signal);
            }
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, null_mut());
        }
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
}

#[cfg(not(unix))]
mod imp {
    use std::sync::atomic::Ordering::Relaxed;

    use super::INTERRUPT;
    use crate::bell::Bell;

    pub(super) fn install(bell: &'static Bell) {
        let handler = move || {
            INTERRUPT.fetch_add(1, Relaxed);
            bell.ring();
        };
        // Fails only if the program installed a handler of its own before: then that one is in charge.
        let _ = ctrlc::try_set_handler(handler);
    }
}
