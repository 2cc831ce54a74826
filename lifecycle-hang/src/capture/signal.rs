//! The signal that a report sends to threads: a real-time signal that nobody uses, with a handler while it is made.

use std::ffi::c_int;

use lifecycle_os::sigaction::{self, InfoHandler};
use lifecycle_os::threads::Blocked;

use super::fault;
use super::handler::on_signal;
use super::permit::{Address, table_of};

/// A signal with our handler.
pub(super) struct Signal {
    number: c_int,
}

/// As the kernel lays out a `siginfo_t` on 64-bit machines.
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

const _: () = assert!(size_of::<Info>() == size_of::<libc::siginfo_t>());

impl Signal {
    pub(super) fn install(table: usize) -> Option<Signal> {
        let ours = on_signal as InfoHandler as libc::sighandler_t;
        let free = |number: &c_int| [libc::SIG_DFL, ours].contains(&sigaction::current(*number).sa_sigaction);
        let mut numbers = (libc::SIGRTMIN() + 1..libc::SIGRTMAX() - 1).rev();
        let number = numbers.find(|number| table_of(*number) == table && free(number))?;
        // No SA_ONSTACK: an alternate stack may be too small. SA_RESTART: the service must not notice.
        // SAFETY: the handler does what the head of `walk.rs` argues for.
        unsafe {
            let mask = sigaction::all_but(&fault::SIGNALS);
            sigaction::install_with_info(number, on_signal, libc::SA_RESTART, &mask);
        }
        Some(Signal { number })
    }

    /// False for a thread that blocks it: it would stay queued, and each report would add one.
    pub(super) fn reaches(&self, thread: u32) -> bool {
        !Blocked::by(thread).has(self.number)
    }

    pub(super) fn send(&self, thread: u32, address: Address) {
        // SAFETY: these take nothing and cannot fail.
        let (pid, uid) = unsafe { (libc::getpid(), libc::getuid()) };
        let (signal, code, value) = (self.number, libc::SI_QUEUE, address.pack());
        let info = Info { signal, errno: 0, code, padding: 0, pid, uid, value, rest: [0; 12] };
        // SAFETY: `Info` has the size and layout of a siginfo_t; the kernel copies it.
        unsafe {
            let sent = libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, thread, signal, &raw const info);
            // A sandbox may know only the common one.
            if sent != 0 {
                libc::syscall(libc::SYS_tgkill, pid, thread, signal);
            }
        }
    }

    /// As it was found: `install` takes only signals with the default disposition.
    pub(super) fn restore(self) {
        sigaction::set_default(self.number);
    }
}
