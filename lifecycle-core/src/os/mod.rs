//! One facility of the operating system a file. Each head says what may be called while the process is broken: when any
//! lock may be held, the allocator too, and any thread may be stuck.

pub(crate) mod atomic_ref;
pub(crate) mod clock;
pub(crate) mod crash_marker;
pub(crate) mod deadline;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod process;
pub(crate) mod re_exec;
#[cfg(unix)]
pub(crate) mod sigaction;
pub(crate) mod signal;
pub(crate) mod stderr;
pub(crate) mod text;
pub(crate) mod thread;
pub(crate) mod throttling;
pub(crate) mod wakeup;
