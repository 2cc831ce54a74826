//! The synchronisation that generations are built on; `tests/tests/races.rs` puts loom's in its place and tries every order.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::AtomicU32;

pub(crate) use crate::os::lock::lock;
