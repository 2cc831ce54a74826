//! The other threads, kept from taking a stop signal while the process's image is replaced.
//!
//! A signal that a thread has taken is gone with the thread: `execve` ends it before its handler's first line. So each
//! is parked in the handler first, where all of them are blocked. Nothing here allocates or takes a lock.

use std::time::{Duration, Instant};

/// A thread that hangs in the kernel is not waited for any longer.
const TIMEOUT: Duration = Duration::from_millis(100);

const POLL_INTERVAL: Duration = Duration::from_micros(200);

/// Returns once no other thread takes a stop signal any more, and what was taken before is counted. Signals are held.
pub(super) fn park() {
    let until = Instant::now() + TIMEOUT;
    // Again and again: one that runs still may start another. To those that are parked it changes nothing.
    while imp::interrupt_others() > crate::os::signal::hold::parked() && Instant::now() < until {
        std::thread::sleep(POLL_INTERVAL);
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::ffi::{c_int, c_long};

    use lifecycle_os::process::thread_id;
    use lifecycle_os::threads::{self, Blocked};

    /// What a thread blocks that takes no signal at all. Our handler's own mask has no SIGSEGV.
    const DEAF: [c_int; 5] = [libc::SIGSEGV, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT];

    /// Not in anybody's full set: glibc and musl block it, too, only for the moment in which they start a thread.
    const LIBC_OWN: c_int = 33;

    /// Sends SIGQUIT to each thread that may take a signal, but not to this one; returns how many there are.
    pub(super) fn interrupt_others() -> usize {
        let (own, mut others) = (thread_id(), 0);
        threads::for_each(|thread| {
            others += usize::from(thread != own && !is_deaf(thread) && interrupt(thread));
        });
        others
    }

    /// Whether it has blocked everything, as libraries do in threads of their own: it cannot be parked, nor need be.
    fn is_deaf(thread: u32) -> bool {
        let blocked = Blocked::by(thread);
        DEAF.into_iter().all(|signal| blocked.has(signal)) && !blocked.has(LIBC_OWN)
    }

    fn interrupt(thread: u32) -> bool {
        // SAFETY: takes numbers only.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), c_long::from(thread), libc::SIGQUIT) == 0 }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    /// There is no way to list them: a thread that has taken a signal gets time to count it.
    pub(super) fn interrupt_others() -> usize {
        std::thread::sleep(super::TIMEOUT / 10);
        0
    }
}
