//! This thread's number, the end of this process, and whether it is debugged. May be called while the process is broken;
//! `exit` in a signal handler, too.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

/// The number of this thread: the kernel's on Linux, elsewhere one of our own. Never 0.
#[inline]
#[must_use]
pub fn thread_id() -> u32 {
    use std::cell::Cell;
    thread_local! {
        static ID: Cell<u32> = const { Cell::new(0) };
    }
    if ID.get() == 0 {
        ID.set(system::new_thread_id());
    }
    ID.get()
}

/// Whether a debugger is attached: then nothing is late. False where the system does not tell.
#[must_use]
pub fn is_debugged() -> bool {
    system::is_debugged()
}

/// `_exit`, not `exit`: no atexit handler, no lock of stdio, no other thread can hold it up (rust-lang/rust#126606).
#[cfg(unix)]
pub fn exit(code: i32) -> ! {
    // SAFETY: takes no pointer and does not return.
    unsafe { libc::_exit(code) }
}

/// Without delay.
#[cfg(not(unix))]
pub fn exit(code: i32) -> ! {
    std::process::exit(code)
}
