//! The socket on which systemd is told how the service does. `send` may be called while the process is broken.

#[cfg(all(feature = "systemd", target_os = "linux"))]
mod linux;
#[cfg(not(all(feature = "systemd", target_os = "linux")))]
mod other;

#[cfg(all(feature = "systemd", target_os = "linux"))]
pub(crate) use linux::{connect, deliver, send, store};
#[cfg(not(all(feature = "systemd", target_os = "linux")))]
pub(crate) use other::store;
