//! Main and tracked tasks while they live.

pub(crate) mod catch_panic;
pub(crate) mod generation;
pub(crate) mod label;
pub(crate) mod owned;
pub(crate) mod run;
pub(crate) mod snapshot;
pub(crate) mod stop;
pub(crate) mod tracked;

#[cfg(test)]
mod tests;
