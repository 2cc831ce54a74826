//! The process ends at a moment, whatever its threads do.
//!
//! Not a thread but two timers of the kernel's, so that normal running pays nothing for it: at the first a signal handler
//! calls `_exit(1)` on whichever thread takes it; should none be able to, the second is SIGKILL a second later. All of
//! it may be called while the process is broken, `arm` and `disarm` in a signal handler, too. On Linux; elsewhere
//! nothing happens.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub use linux::FailsafeTimer;
#[cfg(not(target_os = "linux"))]
pub use other::FailsafeTimer;
