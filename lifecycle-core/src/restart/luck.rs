//! Random numbers, for waits that replicas do not share.

use std::hash::{BuildHasher, RandomState};

/// The keys of std's hash maps are random.
pub(super) fn luck() -> u64 {
    RandomState::new().hash_one(0)
}
