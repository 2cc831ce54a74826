//! What systemd is told, and when it wants a sign of life (`sd_notify(3)`). Nothing without `NOTIFY_SOCKET`, or without the
//! feature `systemd`.

#[cfg(not(all(feature = "systemd", target_os = "linux")))]
mod absent;
#[cfg(all(feature = "systemd", target_os = "linux"))]
mod notify;

#[cfg(not(all(feature = "systemd", target_os = "linux")))]
pub(crate) use absent::{backing_off, ping, ping_interval, ready, restarting, start, stopping, trigger};
#[cfg(not(all(feature = "systemd", target_os = "linux")))]
#[allow(unused_imports, reason = "the reload calls them")]
pub(crate) use absent::{reloaded, reloading};
#[cfg(all(feature = "systemd", target_os = "linux"))]
pub(crate) use notify::{backing_off, ping, ping_interval, ready, restarting, start, stopping, trigger};
#[cfg(all(feature = "systemd", target_os = "linux"))]
#[allow(unused_imports, reason = "the reload calls them")]
pub(crate) use notify::{reloaded, reloading};
