//! What a platform and people ask over HTTP, answered on a thread and a runtime of their own: also while the service's runtime
//! is frozen, starts, waits or is gone.

#[cfg(feature = "http")]
mod answers;
#[cfg(feature = "metrics")]
mod facade;
#[cfg(feature = "http")]
mod listener;
#[cfg(feature = "http")]
mod metrics;
#[cfg(feature = "http")]
mod passwords;
#[cfg(feature = "http")]
mod reader;
#[cfg(feature = "axum")]
mod router;
#[cfg(not(feature = "http"))]
#[path = "absent.rs"]
mod server;
#[cfg(feature = "http")]
mod server;
#[cfg(any(feature = "http", feature = "metrics"))]
mod values;

#[cfg(feature = "metrics")]
pub(crate) use facade::record;
#[cfg(feature = "axum")]
pub(crate) use router::router;
pub(crate) use server::start;

#[cfg(feature = "http")]
use crate::model::past::History;
use crate::model::plan::Plan;
use crate::model::status::Status;

/// Where the answers come from. None may wait for the service, and those that read files are asked on a thread of their own.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "http"), allow(dead_code, reason = "nobody asks"))]
pub(crate) struct Source {
    /// No heartbeat is stale beyond its limit.
    pub(crate) is_live: fn() -> bool,
    pub(crate) is_ready: fn() -> bool,
    /// It was ready once, in this process image.
    pub(crate) has_started: fn() -> bool,
    /// Runs of main in this process image.
    pub(crate) runs: fn() -> u32,
    pub(crate) status: fn() -> Status,
    pub(crate) plan: fn() -> Plan,
    /// Reads files.
    #[cfg(feature = "http")]
    pub(crate) history: fn() -> History,
    /// The last one; else what to do to get one. Reads a file.
    #[cfg(feature = "http")]
    pub(crate) hang_report: fn() -> Result<String, String>,
}
