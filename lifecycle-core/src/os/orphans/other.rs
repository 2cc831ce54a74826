//! Systems on which nothing is reaped.

pub(super) fn inherits_orphans() -> bool {
    false
}

pub(super) fn has_children() -> bool {
    false
}

pub(super) fn is_zombie(_: u32) -> Option<bool> {
    None
}

pub(super) fn reap(_: u32) {}

pub(super) fn for_each_child(_: impl FnMut(u32, bool)) {}
