//! The options of `#[lifecycle::main]` and the environment, resolved into one configuration.

mod duration;
mod exec;
pub(crate) mod options;
pub(crate) mod platform;
pub(crate) mod probes;
mod reader;
pub(crate) mod resolve;
mod spelling;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod variables;
