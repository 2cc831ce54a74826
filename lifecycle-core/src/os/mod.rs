//! One facility of the operating system a file. Each head says what may be called while the process is broken: when any
//! lock may be held, the allocator too, and any thread may be stuck.

pub(crate) mod build;
pub(crate) mod clock;
pub(crate) mod crash_marker;
pub(crate) mod deadline;
pub(crate) mod environment;
pub(crate) mod flight;
pub(crate) mod journal;
pub(crate) mod log;
pub(crate) mod orphans;
pub(crate) mod process;
pub(crate) mod re_exec;
pub(crate) mod service_manager;
pub(crate) mod signal;
#[cfg(unix)]
pub(crate) mod socket_file;
pub(crate) mod sockets;
pub(crate) mod sync;
pub(crate) mod termination_log;
pub(crate) mod thread;
pub(crate) mod throttling;
#[cfg(feature = "test")]
pub(crate) mod traced_waker;
pub(crate) mod wakeup;

#[cfg(unix)]
pub(crate) use lifecycle_os::sigaction;
pub(crate) use lifecycle_os::{atomic_ref, lock, stderr, text};
