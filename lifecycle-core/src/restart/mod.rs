//! Crash memory: when main may run again.

mod fingerprint;
pub(crate) mod ledger;
pub(crate) mod policy;
