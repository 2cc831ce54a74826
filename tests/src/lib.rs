//! Harness for tests that start a real service and watch it from outside.

pub mod activation;
pub mod allocator;
pub mod broken;
pub mod builds;
mod child;
pub mod clients;
pub mod documents;
pub mod hang;
pub mod http;
pub mod ledger;
pub mod library;
pub mod load;
pub mod machine;
pub mod odd_threads;
pub mod pipe;
pub mod process;
pub mod programs;
pub mod sandbox;

pub use child::{Output, Running, Service};
