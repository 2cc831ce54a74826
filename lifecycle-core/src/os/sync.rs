//! The synchronisation that model-checked files are built on; `tests/tests/races.rs` puts loom's in its place and tries every order.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::{AtomicU32, AtomicUsize};

pub(crate) use super::lock::lock;
