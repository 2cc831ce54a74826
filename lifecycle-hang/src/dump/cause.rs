//! Why a thread or a task does not go on, in words.

use std::fmt;

/// Each cause next to its words.
macro_rules! causes {
    ($first:ident: $first_words:literal, $($cause:ident: $words:literal,)*) => {
        /// What the innermost frames say. Zeroed memory is the first.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Cause {
            #[default]
            $first,
            $($cause,)*
        }

        impl fmt::Display for Cause {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    Cause::$first => $first_words,
                    $(Cause::$cause => $words,)*
                })
            }
        }
    };
}

causes! {
    Idle: "not in your code",
    Mutex: "blocked on a Mutex",
    RwLock: "blocked on an RwLock",
    Condvar: "waiting on a Condvar",
    Channel: "waiting on a channel",
    Join: "waiting for a thread to end",
    Once: "waiting for a value that is being initialised",
    Rendezvous: "waiting at a Barrier",
    BlockOn: "blocked in block_on",
    Sleep: "blocking sleep",
    Child: "waiting for a child process",
    Park: "parked",
    Allocator: "stuck in the allocator",
    Read: "blocked reading",
    Write: "blocked writing",
    Connect: "blocked connecting",
    Accept: "blocked accepting",
    Open: "blocked opening a file",
    Poll: "blocked in poll",
    FileLock: "blocked on a file lock",
    Sync: "blocked writing to disk",
    Futex: "blocked on a lock",
    Disk: "in uninterruptible I/O",
    Drop: "running destructors",
    Spin: "running on the CPU (spinning?)",
    Call: "blocked in a system call",
    Unknown: "stopped",
    AsyncMutex: "awaiting a tokio Mutex",
    AsyncRwLock: "awaiting a tokio RwLock",
    Semaphore: "awaiting a Semaphore",
    Room: "awaiting room in a channel that is full",
    Message: "awaiting a message of a channel",
    Notify: "awaiting a Notify",
    Barrier: "awaiting a Barrier",
    AsyncOnce: "awaiting a OnceCell",
    Timer: "awaiting a timer",
    Task: "awaiting another task",
    Blocking: "awaiting a thread of the blocking pool",
    Readiness: "awaiting I/O",
    Shutdown: "awaiting the shutdown",
    Other: "awaiting",
}

impl Cause {
    /// Whether a task that waits for it is waiting for another one of the program, and not for the world.
    pub(crate) fn is_lock(self) -> bool {
        matches!(
            self,
            Cause::AsyncMutex | Cause::AsyncRwLock | Cause::Semaphore | Cause::Room | Cause::Barrier
        )
    }

    /// Whether a lock is waited for whose address says who else waits for it.
    pub(crate) fn is_blocking_lock(self) -> bool {
        matches!(self, Cause::Mutex | Cause::RwLock | Cause::Futex)
    }

    /// Whether it can only end by somebody else of the program: then the same stack for long may be a deadlock.
    pub(crate) fn may_be_deadlock(self) -> bool {
        self.is_blocking_lock() || matches!(self, Cause::Once | Cause::Join | Cause::BlockOn)
    }

    /// Whether a task may wait for it as long as it likes.
    pub(crate) fn is_by_design(self) -> bool {
        matches!(self, Cause::Shutdown | Cause::Timer)
    }

    /// The direction of data, for what is on the other end.
    pub(crate) fn preposition(self) -> &'static str {
        match self {
            Cause::Read => "from",
            Cause::Write | Cause::Connect => "to",
            _ => "on",
        }
    }
}
