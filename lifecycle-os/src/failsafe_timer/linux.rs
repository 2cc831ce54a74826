//! By `timer_create`. The system calls are made directly, since older C libraries allocate for a timer.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI32};
use std::time::{Duration, Instant};

use crate::atomic_ref::AtomicRef;
use crate::sigaction::{self, change_mask, set_of};
use crate::{process, stderr};

/// From the exit to SIGKILL.
const KILL_AFTER: Duration = Duration::from_secs(1);

/// The number of a timer that was not made.
const NONE: c_int = -1;

/// Ends the process with exit code 1 once its time is over, and says why; a second later with SIGKILL.
///
/// ```
/// use std::time::Duration;
/// use lifecycle_os::failsafe_timer::FailsafeTimer;
///
/// static TIMER: FailsafeTimer = FailsafeTimer::new("the last report takes too long: the process ends now");
///
/// // At the start: later there may be no memory in the kernel for it.
/// TIMER.prepare();
/// TIMER.arm(Duration::from_secs(5));
/// // … what may block for ever …
/// TIMER.disarm();
/// ```
#[derive(Debug)]
pub struct FailsafeTimer {
    message: &'static str,
    armed: AtomicBool,
    exit: AtomicI32,
    kill: AtomicI32,
}

/// Of the timers without a timer of the kernel's own: the one that was armed last.
static BY_ALARM: AtomicRef<FailsafeTimer> = AtomicRef::none();

impl FailsafeTimer {
    /// One that is not armed. The line goes to file descriptor 2 when its time is over.
    #[must_use]
    pub const fn new(message: &'static str) -> FailsafeTimer {
        let (exit, kill) = (AtomicI32::new(NONE), AtomicI32::new(NONE));
        FailsafeTimer { message, armed: AtomicBool::new(false), exit, kill }
    }

    /// Makes the timers of the kernel. Each holds one of the signals that the user may have pending (RLIMIT_SIGPENDING): at
    /// the start they can be had.
    pub fn prepare(&'static self) {
        make(&self.exit, libc::SIGRTMAX(), self);
        make(&self.kill, libc::SIGKILL, self);
    }

    /// From now on the process has this time; armed again, it has this time instead. The last real-time signal gets a handler
    /// of ours, and is unblocked on the calling thread; a signal handler's caller must see to that itself.
    pub fn arm(&'static self, after: Duration) {
        self.prepare();
        self.armed.store(true, Release);
        let signal = libc::SIGRTMAX();
        // SAFETY: the handler makes system calls only.
        unsafe { sigaction::install_with_info(signal, on_time, 0, &sigaction::all_but(&[])) };
        change_mask(libc::SIG_UNBLOCK, &set_of(&[signal]));
        if !set(self.exit.load(Acquire), after) {
            self.arm_alarm(after);
        }
        set(self.kill.load(Acquire), after + KILL_AFTER);
    }

    /// The process lives on.
    pub fn disarm(&'static self) {
        self.armed.store(false, Release);
        set(self.exit.load(Acquire), Duration::ZERO);
        set(self.kill.load(Acquire), Duration::ZERO);
        if BY_ALARM.load().is_some_and(|timer| std::ptr::eq(timer, self)) {
            set_alarm(Duration::ZERO);
        }
    }

    /// Where the user's signals are used up: the timer that each process has.
    #[cold]
    fn arm_alarm(&'static self, after: Duration) {
        BY_ALARM.store(Some(self));
        // SAFETY: the handler makes system calls only.
        unsafe { sigaction::install(libc::SIGALRM, on_alarm, 0, &sigaction::all_but(&[])) };
        change_mask(libc::SIG_UNBLOCK, &set_of(&[libc::SIGALRM]));
        set_alarm(after);
    }

    fn end(&self) {
        // One that was disarmed while its signal was on the way.
        if self.armed.load(Acquire) {
            for part in [self.message, "\n"] {
                stderr::write_until(2, part.as_bytes(), Instant::now());
            }
            process::exit(1);
        }
    }
}

extern "C" fn on_time(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel's own siginfo; only its timers send this code, and their value is a `FailsafeTimer`.
    unsafe {
        if (*info).si_code == libc::SI_TIMER {
            (*(*info).si_value().sival_ptr.cast::<FailsafeTimer>()).end();
        }
    }
}

extern "C" fn on_alarm(_: c_int) {
    BY_ALARM.load().into_iter().for_each(FailsafeTimer::end);
}

fn make(number: &AtomicI32, signal: c_int, timer: &'static FailsafeTimer) {
    if number.load(Relaxed) != NONE {
        return;
    }
    // SAFETY: zeroed, the structure is valid; the kernel copies it.
    unsafe {
        let mut event: libc::sigevent = MaybeUninit::zeroed().assume_init();
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = signal;
        event.sigev_value.sival_ptr = std::ptr::from_ref(timer).cast_mut().cast();
        let mut new: c_int = NONE;
        let made = libc::syscall(libc::SYS_timer_create, libc::CLOCK_MONOTONIC, &raw mut event, &raw mut new);
        // A signal handler may have come in between.
        if made == 0 && number.compare_exchange(NONE, new, AcqRel, Relaxed).is_err() {
            libc::syscall(libc::SYS_timer_delete, new);
        }
    }
}

/// False if there is no such timer. Zero stops it.
fn set(timer: c_int, after: Duration) -> bool {
    let when = libc::itimerspec {
        it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: libc::timespec {
            tv_sec: libc::time_t::try_from(after.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: after.subsec_nanos().into(),
        },
    };
    // SAFETY: the kernel copies the structure, and knows its own timers.
    timer != NONE
        && unsafe {
            libc::syscall(libc::SYS_timer_settime, timer, 0, &raw const when, null_mut::<libc::itimerspec>())
                == 0
        }
}

fn set_alarm(after: Duration) {
    let when = libc::itimerval {
        it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 },
        it_value: libc::timeval {
            tv_sec: libc::time_t::try_from(after.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_usec: after.subsec_micros().into(),
        },
    };
    // SAFETY: the kernel copies the structure.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const when, null_mut()) };
}
