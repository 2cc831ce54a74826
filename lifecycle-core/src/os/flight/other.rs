//! Systems that tell less.

use super::entry::Entry;

pub(super) struct Sampler;

impl Sampler {
    pub(super) fn find() -> Sampler {
        Sampler
    }

    pub(super) fn sample(&self, _: &mut Entry) {}
}

/// The control group of this process, and how many of its processes were killed for memory.
pub(crate) fn group_now() -> Option<(u64, u64)> {
    None
}
