//! Why a thread or a task does not go on, in words.

use std::fmt;

/// What the innermost frames say. Zeroed memory is `Idle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Cause {
    /// Not in the user's code.
    #[default]
    Idle,
    Mutex,
    RwLock,
    Condvar,
    Channel,
    Join,
    Once,
    BlockOn,
    Sleep,
    Child,
    Park,
    Allocator,
    Read,
    Write,
    Connect,
    Accept,
    Open,
    Poll,
    FileLock,
    Sync,
    Futex,
    Disk,
    Drop,
    Spin,
    Call,
    Unknown,
    AsyncMutex,
    AsyncRwLock,
    Semaphore,
    Room,
    Message,
    Notify,
    Barrier,
    AsyncOnce,
    Timer,
    Task,
    Blocking,
    Readiness,
    Other,
}

impl Cause {
    /// Whether a task that waits for it is waiting for another one of the program, and not for the world.
    pub(super) fn is_lock(self) -> bool {
        matches!(
            self,
            Cause::AsyncMutex | Cause::AsyncRwLock | Cause::Semaphore | Cause::Room | Cause::Barrier
        )
    }

    /// Whether a lock is waited for whose address says who else waits for it.
    pub(super) fn is_blocking_lock(self) -> bool {
        matches!(self, Cause::Mutex | Cause::RwLock | Cause::Futex)
    }

    /// The direction of data, for what is on the other end.
    pub(super) fn preposition(self) -> &'static str {
        match self {
            Cause::Read => "from",
            Cause::Write | Cause::Connect => "to",
            _ => "on",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Idle => "not in your code",
            Cause::Mutex => "blocked on a Mutex",
            Cause::RwLock => "blocked on an RwLock",
            Cause::Condvar => "waiting on a Condvar",
            Cause::Channel => "waiting on a channel",
            Cause::Join => "waiting for a thread to end",
            Cause::Once => "waiting for a value that another thread initialises",
            Cause::BlockOn => "blocked in block_on",
            Cause::Sleep => "blocking sleep",
            Cause::Child => "waiting for a child process",
            Cause::Park => "parked",
            Cause::Allocator => "stuck in the allocator",
            Cause::Read => "blocked reading",
            Cause::Write => "blocked writing",
            Cause::Connect => "blocked connecting",
            Cause::Accept => "blocked accepting",
            Cause::Open => "blocked opening a file",
            Cause::Poll => "blocked in poll",
            Cause::FileLock => "blocked on a file lock",
            Cause::Sync => "blocked writing to disk",
            Cause::Futex => "blocked on a lock",
            Cause::Disk => "in uninterruptible I/O",
            Cause::Drop => "running destructors",
            Cause::Spin => "running on the CPU (spinning?)",
            Cause::Call => "blocked in a system call",
            Cause::Unknown => "stopped",
            Cause::AsyncMutex => "awaiting a tokio Mutex",
            Cause::AsyncRwLock => "awaiting a tokio RwLock",
            Cause::Semaphore => "awaiting a Semaphore",
            Cause::Room => "awaiting room in a channel that nobody empties",
            Cause::Message => "awaiting a message of a channel",
            Cause::Notify => "awaiting a Notify",
            Cause::Barrier => "awaiting a Barrier",
            Cause::AsyncOnce => "awaiting a OnceCell",
            Cause::Timer => "awaiting a timer",
            Cause::Task => "awaiting another task",
            Cause::Blocking => "awaiting a thread of the blocking pool",
            Cause::Readiness => "awaiting I/O",
            Cause::Other => "awaiting",
        })
    }
}
