//! Main and tracked tasks while they live.

pub(crate) mod address;
pub(crate) mod busy;
pub(crate) mod catch_panic;
pub(crate) mod generation;
pub(crate) mod label;
pub(crate) mod membership;
#[cfg(feature = "test")]
pub(crate) mod on_poll;
pub(crate) mod outlined;
pub(crate) mod owned;
pub(crate) mod run;
mod settle;
pub(crate) mod snapshot;
pub(crate) mod stop;
pub(crate) mod tolerated;
pub(crate) mod tracked;
pub(crate) mod tracked_future;
mod under_way;
pub(crate) mod work;
pub(crate) mod workers;

#[cfg(test)]
mod tests;
