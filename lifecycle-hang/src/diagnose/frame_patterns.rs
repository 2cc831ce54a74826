//! Parts of names and of files by which a diagnosis is known.

use crate::dump::Cause;

/// What frames of a library, called by the user's, say of a thread. The first row that fits counts.
pub(crate) const BLOCKED: [(Cause, &[&str]); 12] = [
    (Cause::Rendezvous, &["sync::barrier", "sync/barrier", "Barrier::wait"]),
    (Cause::Child, &["process::Child::", "process::Command::", "std/src/process.rs", "waitpid"]),
    (
        Cause::Channel,
        &[
            "sync::mpmc::",
            "sync::mpsc::",
            "sync/mpmc/",
            "sync/mpsc",
            "crossbeam_channel::",
            "crossbeam-channel",
            "flume::",
        ],
    ),
    (Cause::BlockOn, &["block_on"]),
    (Cause::Join, &["JoinHandle::join", "JoinInner", "thread::scoped::", "pthread_join"]),
    (Cause::Condvar, &["Condvar", "sync/condvar", "sync::condvar", "pthread_cond_"]),
    (Cause::RwLock, &["RwLock", "sync/rwlock", "sync::rwlock", "raw_rwlock", "pthread_rwlock"]),
    (
        Cause::Mutex,
        &[
            "Mutex::lock",
            "sync/mutex",
            "sync::mutex",
            "sync/poison/mutex",
            "lock_contended",
            "raw_mutex",
            "RawMutex",
            "ReentrantLock",
            "pthread_mutex_lock",
            "lll_lock_wait",
            "Stdout::lock",
            "Stderr::lock",
        ],
    ),
    (Cause::Once, &["sync::once::", "sync/once", "OnceLock", "LazyLock", "once_cell::"]),
    (Cause::Sleep, &["thread::sleep", "sleep_until", "nanosleep", "usleep"]),
    (Cause::Park, &["thread::park", "Parker::park"]),
    (Cause::Drop, &["drop_in_place"]),
];

/// What the leaf of a chain of awaits says.
pub(crate) const AWAITED: [(Cause, &[&str]); 14] = [
    (Cause::AsyncMutex, &["sync::mutex::", "sync/mutex.rs"]),
    (Cause::AsyncRwLock, &["sync::rwlock::", "sync/rwlock"]),
    // Built of a channel.
    (Cause::Barrier, &["sync::barrier", "sync/barrier"]),
    (Cause::Room, &["mpsc::bounded::Sender", "Sender::send", "Sender::reserve"]),
    (
        Cause::Message,
        &[
            "sync::mpsc::",
            "sync/mpsc/",
            "sync::oneshot",
            "sync/oneshot",
            "sync::broadcast",
            "sync/broadcast",
            "sync::watch",
            "sync/watch",
            "futures_channel",
            "async_channel",
        ],
    ),
    (Cause::AsyncOnce, &["sync::once_cell", "sync/once_cell"]),
    (Cause::Semaphore, &["sync::semaphore", "sync/semaphore", "batch_semaphore"]),
    (Cause::Notify, &["sync::notify", "sync/notify", "cancellation_token"]),
    (Cause::Timer, &["time::sleep", "time/sleep", "time::interval", "time/interval"]),
    (Cause::Child, &["tokio::process", "src/process/"]),
    (Cause::Blocking, &["asyncify", "blocking/task"]),
    (Cause::Task, &["runtime::task::join", "task/join", "JoinHandle", "JoinSet"]),
    (Cause::Readiness, &["io::registration", "io/registration", "scheduled_io", "runtime::io", "src/net/"]),
    (Cause::Other, &[""]),
];

/// The way into the allocator, and the C library's own.
pub(crate) const ALLOCATOR: [&str; 9] = [
    "__rust_alloc",
    "__rust_dealloc",
    "__rust_realloc",
    "__rust_alloc_zeroed",
    "GlobalAlloc",
    "library/alloc/src/alloc.rs",
    "library/alloc/src/raw_vec",
    "alloc::alloc::alloc",
    "alloc::alloc::dealloc",
];
pub(crate) const LIBC_ALLOCATOR: [&str; 6] =
    ["malloc", "free", "realloc", "calloc", "posix_memalign", "_int_malloc"];

/// Locks that are waited for at their own address; others wait at one of the thread's.
pub(crate) const WAITED_FOR_AT_ITSELF: [&str; 7] = [
    "sync::mutex::futex",
    "sync/mutex/futex",
    "sync::rwlock::futex",
    "sync/rwlock/futex",
    "pthread_mutex",
    "pthread_rwlock",
    "lll_lock_wait",
];
