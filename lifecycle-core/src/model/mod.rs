//! Values: no I/O, no thread, no clock.

pub(crate) mod address;
pub(crate) mod cause;
pub(crate) mod chain;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod failure;
pub(crate) mod last_seen;
pub(crate) mod misuse;
pub(crate) mod outcome;
#[cfg(feature = "http")]
pub(crate) mod past;
pub(crate) mod phase;
pub(crate) mod place;
pub(crate) mod plan;
pub(crate) mod previous_run;
pub(crate) mod report;
pub(crate) mod status;
pub(crate) mod table;
pub(crate) mod time;
