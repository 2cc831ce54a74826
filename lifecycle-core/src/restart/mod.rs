//! Crash memory: when main may run again.

mod fingerprint;
pub(crate) mod ledger;
mod luck;
pub(crate) mod policy;
