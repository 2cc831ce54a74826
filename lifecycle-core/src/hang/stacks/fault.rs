//! A walk over a broken stack: the fault ends the walk, and the thread goes on where the report interrupted it.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::zeroed;
use std::ptr::{copy_nonoverlapping, null, null_mut};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use super::dump::Walk;
use super::permit::{Address, BANKS};

pub(super) const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// A thread in its handler: what it takes to leave it from anywhere.
pub(super) struct Walking {
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
    pub(super) fn new(context: *mut libc::ucontext_t, walk: &'static Walk, address: Address) -> Walking {
        // SAFETY: the address of this thread's errno.
        Walking { context, walk, address, errno: unsafe { *libc::__errno_location() } }
    }

    pub(super) fn stack_pointer(&self) -> u64 {
        // SAFETY: as below.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            return (*self.context).uc_mcontext.gregs[libc::REG_RSP as usize] as u64;
            #[cfg(target_arch = "aarch64")]
            return (*self.context).uc_mcontext.sp;
        }
    }

    pub(super) fn interrupted_at(&self) -> u64 {
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
pub(super) fn while_walking(walking: &Walking, f: impl FnOnce()) {
    WALKING.set(walking);
    f();
    WALKING.set(null());
    // SAFETY: the address of this thread's errno.
    unsafe { *libc::__errno_location() = walking.errno };
}

/// What the signals did before: a runtime of the user's, or std's message for a stack overflow.
static BEFORE: [Before; 2] = [const { Before::new() }; 2];

struct Before {
    handler: AtomicUsize,
    with_info: AtomicBool,
}

impl Before {
    const fn new() -> Before {
        Before { handler: AtomicUsize::new(libc::SIG_DFL), with_info: AtomicBool::new(false) }
    }
}

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
        BANKS[walking.address.bank].threads[walking.address.index].end(walking.address.generation, true);
        copy_nonoverlapping(&raw const (*walking.context).uc_mcontext, &raw mut (*context).uc_mcontext, 1);
        let (from, to) = (&raw const (*walking.context).uc_sigmask, &raw mut (*context).uc_sigmask);
        copy_nonoverlapping(from.cast::<u8>(), to.cast::<u8>(), KERNEL_MASK);
        *libc::__errno_location() = walking.errno;
    }
}

/// A fault that is none of ours.
fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let before = &BEFORE[usize::from(signal == libc::SIGBUS)];
    let (handler, with_info) = (before.handler.load(Relaxed), before.with_info.load(Relaxed));
    // SAFETY: a handler that was installed for this signal, called as the kernel would. Without one the default is
    // put back, and the instruction faults again as soon as we return.
    unsafe {
        match handler {
            libc::SIG_DFL | libc::SIG_IGN => {
                let mut action: libc::sigaction = zeroed();
                action.sa_sigaction = libc::SIG_DFL;
                libc::sigaction(signal, &raw const action, null_mut());
            }
            _ if with_info => {
                let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                    std::mem::transmute(handler);
                handler(signal, info, context);
            }
            _ => {
                let handler: extern "C" fn(c_int) = std::mem::transmute(handler);
                handler(signal);
            }
        }
    }
}

/// The handlers for faults, while a report is made.
pub(super) struct Faults {
    before: [libc::sigaction; 2],
}

impl Faults {
    pub(super) fn install() -> Faults {
        let handler = on_fault as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
        // SAFETY: zeroed, a sigaction is valid; the handler's argument stands above it.
        unsafe {
            let mut before: [libc::sigaction; 2] = zeroed();
            for (index, signal) in SIGNALS.into_iter().enumerate() {
                libc::sigaction(signal, null(), &raw mut before[index]);
                // Another report's: what it replaced is known already.
                if before[index].sa_sigaction != handler {
                    BEFORE[index].handler.store(before[index].sa_sigaction, Relaxed);
                    let with_info = before[index].sa_flags & libc::SA_SIGINFO != 0;
                    BEFORE[index].with_info.store(with_info, Relaxed);
                }
                let mut action: libc::sigaction = zeroed();
                action.sa_sigaction = handler;
                // On the alternate stack, for the sake of those it is passed on to: theirs may be overflowing.
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                action.sa_mask = before[index].sa_mask;
                libc::sigaction(signal, &raw const action, null_mut());
            }
            Faults { before }
        }
    }

    pub(super) fn restore(self) {
        for (before, signal) in self.before.iter().zip(SIGNALS) {
            // SAFETY: what the kernel gave us in `install`.
            unsafe { libc::sigaction(signal, &raw const *before, null_mut()) };
        }
    }
}
