//! Crash memory: when main may run again.

pub(crate) mod ledger;
pub(crate) mod policy;
