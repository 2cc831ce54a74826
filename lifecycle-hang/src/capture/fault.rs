//! A walk over a broken stack: the fault ends the walk, and the thread goes on where the report interrupted it.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr::{copy_nonoverlapping, null};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI32, AtomicUsize};

use lifecycle_os::sigaction::{self, Action, InfoHandler};

use super::permit::{Address, PERMITS};
use crate::dump::Walk;

pub(crate) const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// A thread in its handler: what it takes to leave it from anywhere.
pub(crate) struct Walking {
    context: *mut libc::ucontext_t,
    walk: &'static Walk,
    address: Address,
    errno: c_int,
}

thread_local! {
    // Constant and without a destructor: reading it in a handler allocates nothing.
    static WALKING: Cell<*const Walking> = const { Cell::new(null()) };
}

/// The size of the kernel's own signal set, which is all that lies in a signal frame.
const KERNEL_MASK: usize = 8;

impl Walking {
    /// `context` is the third argument of the handler that calls this.
    pub(crate) fn new(context: *mut libc::ucontext_t, walk: &'static Walk, address: Address) -> Walking {
        // SAFETY: the address of this thread's errno.
        Walking { context, walk, address, errno: unsafe { *libc::__errno_location() } }
    }

    pub(crate) fn stack_pointer(&self) -> u64 {
        // SAFETY: as below.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            return (*self.context).uc_mcontext.gregs[libc::REG_RSP as usize] as u64;
            #[cfg(target_arch = "aarch64")]
            return (*self.context).uc_mcontext.sp;
        }
    }

    /// Where a function returns to that has not stored it on its stack; only aarch64 has a register for it.
    pub(crate) fn link_register(&self) -> Option<u64> {
        #[cfg(target_arch = "x86_64")]
        return None;
        // SAFETY: as below.
        #[cfg(target_arch = "aarch64")]
        return Some(unsafe { (*self.context).uc_mcontext.regs[30] });
    }

    pub(crate) fn interrupted_at(&self) -> u64 {
        // SAFETY: the handler's own context, valid until it returns.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            return (*self.context).uc_mcontext.gregs[libc::REG_RIP as usize] as u64;
            #[cfg(target_arch = "aarch64")]
            return (*self.context).uc_mcontext.pc;
        }
    }
}

/// Runs `f`, which may fault.
pub(crate) fn while_walking(walking: &Walking, f: impl FnOnce()) {
    WALKING.set(walking);
    f();
    WALKING.set(null());
    // SAFETY: the address of this thread's errno.
    unsafe { *libc::__errno_location() = walking.errno };
}

/// What the signals did before: a runtime of the user's, or std's message for a stack overflow. Handler and flags.
static BEFORE: [(AtomicUsize, AtomicI32); 2] =
    [const { (AtomicUsize::new(libc::SIG_DFL), AtomicI32::new(0)) }; 2];

/// The kernel restores at `sigreturn` what stands in the frame of the fault. So that frame is made equal to the one
/// of the report's signal: both handlers are left at once, and the walk between them is forgotten.
extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let walking = WALKING.replace(null());
    if walking.is_null() {
        return pass_on(signal, info, context);
    }
    // SAFETY: set by `while_walking`, in a frame of this thread that lies above this one. Of a frame only the part is
    // copied that the kernel wrote: registers, with the pointer to the floating-point state, which is intact too, and mask.
    unsafe {
        let (walking, context) = (&*walking, context.cast::<libc::ucontext_t>());
        walking.walk.fault.store(1, Relaxed);
        PERMITS[walking.address.table].threads[walking.address.index].end(walking.address.generation, true);
        copy_nonoverlapping(&raw const (*walking.context).uc_mcontext, &raw mut (*context).uc_mcontext, 1);
        let (from, to) = (&raw const (*walking.context).uc_sigmask, &raw mut (*context).uc_sigmask);
        copy_nonoverlapping(from.cast::<u8>(), to.cast::<u8>(), KERNEL_MASK);
        *libc::__errno_location() = walking.errno;
    }
}

/// A fault that is none of ours.
fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let (handler, flags) = &BEFORE[usize::from(signal == libc::SIGBUS)];
    let mut before = sigaction::current(signal);
    (before.sa_sigaction, before.sa_flags) = (handler.load(Relaxed), flags.load(Relaxed));
    // SAFETY: a handler that was installed for this signal, and the arguments that the kernel passed.
    unsafe { sigaction::call_previous(&before, signal, info, context) };
}

/// The handlers for faults, while a report is made.
pub(super) struct Faults {
    before: [Action; 2],
}

impl Faults {
    pub(super) fn install() -> Faults {
        let before = SIGNALS.map(sigaction::current);
        for ((signal, before), (handler, flags)) in SIGNALS.iter().zip(&before).zip(&BEFORE) {
            // Another report's: what it replaced is known already.
            if before.sa_sigaction != on_fault as InfoHandler as libc::sighandler_t {
                handler.store(before.sa_sigaction, Relaxed);
                flags.store(before.sa_flags, Relaxed);
            }
            // On the alternate stack, for the sake of those it is passed on to: theirs may be overflowing.
            // SAFETY: the handler's argument stands above it.
            unsafe { sigaction::install_with_info(*signal, on_fault, libc::SA_ONSTACK, &before.sa_mask) };
        }
        Faults { before }
    }

    pub(super) fn restore(self) {
        for (signal, before) in SIGNALS.iter().zip(&self.before) {
            // SAFETY: what the kernel gave us in `install`.
            unsafe { sigaction::restore(*signal, before) };
        }
    }
}
