//! What systemd is told, and when it wants a sign of life (`sd_notify(3)`). Nothing without `NOTIFY_SOCKET`, or without the
//! feature `systemd`.

#[cfg(not(all(feature = "systemd", target_os = "linux")))]
#[path = "absent.rs"]
mod notify;
#[cfg(all(feature = "systemd", target_os = "linux"))]
mod notify;

pub(crate) use notify::{
    backing_off, ping, ping_interval, ready, reloaded, reloading, restarting, start, stopping, trigger,
};
