//! How long the kernel has kept this process off the processors, because its control group had spent its CPU quota.
//! Reading it allocates nothing.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::Throttling;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::Throttling;
