//! Stacks of other threads: each is sent a signal, and its handler walks its own.
//!
//! Nothing is installed before a report is made. `_Unwind_Backtrace` is not on POSIX's list of what a handler may
//! call. It takes no lock with glibc 2.35 and later (`_dl_find_object`); before that it takes the loader's, so a thread
//! that is frozen in `dlopen` stays without a stack, and the report goes on without it.

use std::ffi::{c_int, c_void};
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::{Duration, Instant};

use super::dump::{Answer, FRAMES, Facts, Walk, Walks};
use super::fault::{self, Faults, Walking};
use super::permit::{Address, BANKS, FATAL, OTHER};
use super::procfs;
use super::scan;
use crate::os::process::thread_id;

/// How long a thread may take to answer.
const PATIENCE: Duration = Duration::from_millis(250);

/// Frames of our own on top of the interrupted function: the handler and the kernel's trampoline.
const OWN_FRAMES: u32 = 16;

/// What `_Unwind_Backtrace` calls for each frame.
type OnFrame = extern "C" fn(*mut c_void, *mut c_void) -> c_int;

const GO_ON: c_int = 0;
const END_OF_STACK: c_int = 5;

unsafe extern "C" {
    fn _Unwind_Backtrace(on_frame: OnFrame, argument: *mut c_void) -> c_int;
    fn _Unwind_GetIPInfo(context: *mut c_void, before: *mut c_int) -> usize;
}

/// Calls `f` with each address of this thread's stack, innermost first, until it says false.
pub(super) fn walk(mut f: impl FnMut(u64, bool) -> bool) {
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
pub(super) fn of_call(ip: u64, interrupted: bool) -> u64 {
    if interrupted { ip } else { ip - 1 }
}

fn store(walk: &Walk, address: u64) -> bool {
    let len = walk.len.load(Relaxed) as usize;
    let Some(slot) = walk.frames.get(len) else { return false };
    slot.store(address, Relaxed);
    // Frame by frame: a walk that ends in a fault leaves what it had.
    walk.len.store(len as u32 + 1, Release);
    len + 1 < FRAMES
}

/// The handler. Keeps errno; returns at once to whatever was interrupted if the signal is not from a report of now.
extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes both pointers to a handler with SA_SIGINFO, valid until it returns.
    let (code, sender, value) =
        unsafe { ((*info).si_code, (*info).si_pid(), (*info).si_value().sival_ptr as u64) };
    // SAFETY: getpid cannot fail.
    if sender != unsafe { libc::getpid() } {
        return;
    }
    let address = match code {
        libc::SI_QUEUE => Address::unpack(value),
        libc::SI_TKILL => own_address(bank_of(signal)),
        _ => None,
    };
    let Some(address) = address else { return };
    let bank = &BANKS[address.bank];
    let permit = &bank.threads[address.index];
    if !permit.begin(address.generation) {
        return;
    }
    let target = &bank.walks().threads[address.index];
    let walking = Walking::new(context.cast(), target, address);
    let pc = walking.interrupted_at();
    fault::while_walking(&walking, || {
        let (mut found, mut own) = (false, 0);
        walk(|ip, interrupted| {
            if !found && ip != pc {
                own += 1;
                return own < OWN_FRAMES;
            }
            let innermost = !std::mem::replace(&mut found, true);
            store(target, of_call(ip, interrupted || innermost))
        });
        if !found {
            store(target, pc);
        }
        if target.len.load(Relaxed) < scan::LEAST {
            target.guessed.store(1, Relaxed);
            // SAFETY: this thread's own stack, as it was when it was interrupted; `while_walking` survives the fault.
            unsafe { scan::scan(walking.stack_pointer(), |address| store(target, address)) };
        }
    });
    permit.end(address.generation, true);
}

/// By the thread's own number, for want of a value.
fn own_address(bank: usize) -> Option<Address> {
    let (index, generation) = BANKS[bank].find(thread_id())?;
    Some(Address { bank, generation, index })
}

/// The fatal report takes an even signal and all others an odd one, so that no report takes another's away.
fn bank_of(signal: c_int) -> usize {
    if signal % 2 == 0 { FATAL } else { OTHER }
}

/// Fills in the stacks of the threads of `facts`; `walks` is its dump's. Returns whether everybody answered.
pub(super) fn capture(facts: &mut Facts, walks: &'static Walks, bank: usize, generation: u32) -> bool {
    let Some(signal) = Signal::install(bank) else { return true };
    let faults = Faults::install();
    scan::learn(facts.maps.as_str());
    let threads = &mut facts.thread[..facts.threads as usize];
    for (index, thread) in threads.iter().enumerate() {
        BANKS[bank].open(index, generation, thread.id);
        signal.send(thread.id, Address { bank, generation, index });
    }
    let end = Instant::now() + PATIENCE;
    let is_done = |index: usize| BANKS[bank].threads[index].is_done(generation);
    let is_gone = |id: u32| !procfs::thread_exists(id);
    while !(0..threads.len()).all(is_done) && Instant::now() < end {
        std::thread::sleep(Duration::from_micros(200));
    }
    let (mut all_closed, mut all_answered) = (true, true);
    for (index, thread) in threads.iter_mut().enumerate() {
        let walk = &walks.threads[index];
        all_closed &= BANKS[bank].threads[index].close(generation);
        let answered = is_done(index);
        // A thread that ended meanwhile has nothing pending.
        all_answered &= answered || is_gone(thread.id);
        thread.answer = match walk.len.load(Relaxed) {
            0 if thread.call.pc != 0 => Answer::Top,
            0 => Answer::None,
            _ => Answer::Walked,
        };
        if thread.answer == Answer::Top {
            store(walk, thread.call.pc);
        }
    }
    if bank != FATAL {
        faults.restore();
        // A signal that is still pending would kill the process under its default disposition.
        if all_answered {
            signal.restore();
        }
    }
    all_closed
}

/// A real-time signal that nobody uses.
struct Signal {
    number: c_int,
}

impl Signal {
    fn install(bank: usize) -> Option<Signal> {
        let ours = on_signal as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
        let free = |number: &c_int| {
            // SAFETY: asks only; zeroed, a sigaction is valid.
            unsafe {
                let mut old: libc::sigaction = zeroed();
                libc::sigaction(*number, null_mut(), &raw mut old) == 0
                    && (old.sa_sigaction == libc::SIG_DFL || old.sa_sigaction == ours)
            }
        };
        let mut numbers = (libc::SIGRTMIN() + 1..libc::SIGRTMAX() - 1).rev();
        let number = numbers.find(|number| bank_of(*number) == bank && free(number))?;
        // SAFETY: the handler does what the head of this file argues for.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = ours;
            // No SA_ONSTACK: an alternate stack may be too small. SA_RESTART: the service must not notice.
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            libc::sigfillset(&raw mut action.sa_mask);
            for fault in fault::SIGNALS {
                libc::sigdelset(&raw mut action.sa_mask, fault);
            }
            (libc::sigaction(number, &raw const action, null_mut()) == 0).then_some(Signal { number })
        }
    }

    fn send(&self, thread: u32, address: Address) {
        /// As the kernel lays it out on 64-bit machines.
        #[repr(C)]
        struct Info {
            signal: c_int,
            errno: c_int,
            code: c_int,
            padding: c_int,
            pid: libc::pid_t,
            uid: libc::uid_t,
            value: u64,
            rest: [u64; 12],
        }
        // SAFETY: `Info` has the size and layout of a siginfo_t; the kernel copies it.
        unsafe {
            let info = Info {
                signal: self.number,
                errno: 0,
                code: libc::SI_QUEUE,
                padding: 0,
                pid: libc::getpid(),
                uid: libc::getuid(),
                value: address.pack(),
                rest: [0; 12],
            };
            let thread = thread as c_int;
            let number = libc::SYS_rt_tgsigqueueinfo;
            let sent = libc::syscall(number, info.pid, thread, self.number, &raw const info);
            // A sandbox may know only the common one.
            if sent != 0 {
                libc::syscall(libc::SYS_tgkill, info.pid, thread, self.number);
            }
        }
    }

    fn restore(self) {
        // SAFETY: as it was found: `install` takes only signals with the default disposition.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(self.number, &raw const action, null_mut());
        }
    }
}
