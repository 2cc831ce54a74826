//! This process, its threads and its end, and whether another process lives. `exit` and `thread_id` may be called while
//! the process is broken.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

pub(crate) use lifecycle_os::process::{exit, is_debugged, thread_id};
use serde::{Deserialize, Serialize};

#[cfg(unix)]
use crate::os::sigaction;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

/// Ends the process by SIGABRT, so that the system keeps a core dump. May be called while the process is broken.
pub(crate) fn abort() -> ! {
    #[cfg(unix)]
    {
        // Not by std's or our handler, which would tell it as a crash of its own.
        sigaction::set_default(libc::SIGABRT);
        sigaction::change_mask(libc::SIG_UNBLOCK, &sigaction::set_of(&[libc::SIGABRT]));
        // SAFETY: takes a number; to this thread, so that it is delivered before it goes on.
        unsafe { libc::raise(libc::SIGABRT) };
    }
    exit(1)
}

/// A process, told from a later one that was given the same pid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// When the kernel started it, in clock ticks since boot; absent where that cannot be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<u64>,
}

impl Identity {
    pub(crate) fn own() -> Identity {
        let pid = std::process::id();
        Identity { pid, start: system::start_of(pid) }
    }

    /// Whether the process still lives, in this boot.
    pub(crate) fn is_alive(&self) -> bool {
        if self.start.is_some() { system::start_of(self.pid) == self.start } else { system::exists(self.pid) }
    }
}

/// Orders threads by age: when the kernel started one, in clock ticks since boot, and its number, which grows.
pub(crate) type ThreadBirth = (u64, u32);

/// Of the calling thread; `None` where the system does not tell.
pub(crate) fn thread_birth() -> Option<ThreadBirth> {
    Some((system::start_of_thread()?, thread_id()))
}

/// Containers are told apart by it.
#[cfg(all(unix, feature = "redis"))]
pub(crate) fn hostname() -> String {
    let mut name = [0_u8; 256];
    // SAFETY: a buffer of the length that is given, the last byte kept as the terminator.
    let asked = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let len = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    if asked == 0 { String::from_utf8_lossy(&name[..len]).into_owned() } else { "unknown".into() }
}

/// Machines are told apart by it.
#[cfg(all(not(unix), feature = "redis"))]
pub(crate) fn hostname() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".into())
}
