//! The synchronisation that `claims` is built on; `tests/tests/races.rs` puts loom's in its place and tries every order.

pub(crate) use std::sync::atomic::AtomicUsize;
pub(crate) use std::sync::{Mutex, MutexGuard};
