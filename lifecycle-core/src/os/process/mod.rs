//! This process, its threads and its end, and whether another process lives. `exit` and `thread_id` may be called while
//! the process is broken.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

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

/// The number of this thread: the kernel's on Linux, elsewhere one of our own. Never 0.
#[inline]
pub(crate) fn thread_id() -> u32 {
    use std::cell::Cell;
    thread_local! {
        static ID: Cell<u32> = const { Cell::new(0) };
    }
    if ID.get() == 0 {
        ID.set(system::new_thread_id());
    }
    ID.get()
}

pub(crate) use system::is_debugged;

/// Orders threads by age: when the kernel started one, in clock ticks since boot, and its number, which grows.
pub(crate) type ThreadBirth = (u64, u32);

/// Of the calling thread; `None` where the system does not tell.
pub(crate) fn thread_birth() -> Option<ThreadBirth> {
    Some((system::start_of_thread()?, thread_id()))
}

/// `_exit`, not `exit`: no atexit handler, no lock of stdio, no other thread can hold it up (rust-lang/rust#126606).
#[cfg(unix)]
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: takes no pointer and does not return.
    unsafe { libc::_exit(code) }
}

/// Without delay.
#[cfg(not(unix))]
pub(crate) fn exit(code: i32) -> ! {
    std::process::exit(code)
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
