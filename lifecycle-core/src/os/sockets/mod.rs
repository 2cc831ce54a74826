//! Listening sockets that are kept behind the service's back, and those that the process was started with.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::Kept;
#[cfg(unix)]
pub(crate) use unix::Kept;
