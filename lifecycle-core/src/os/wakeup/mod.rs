//! Wakes the one thread that waits for what happens next. `notify` may be called while the process is broken, and in a
//! signal handler.

#[cfg(not(unix))]
mod condvar;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use condvar::Wakeup;
#[cfg(unix)]
pub(crate) use unix::{Wakeup, notify};
