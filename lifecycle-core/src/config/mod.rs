//! The options of `#[lifecycle::main]` and the environment, resolved into one configuration.

mod exec;
pub(crate) mod options;
pub(crate) mod platform;
pub(crate) mod probes;
mod reader;
pub(crate) mod resolve;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod variables;
