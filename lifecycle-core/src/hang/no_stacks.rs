//! Where threads cannot be looked into: another system, or the feature `stacks` is off.

use std::fmt::Write;
use std::task::Context;

use super::{About, plain};

pub(super) fn prepare() {}

/// Heartbeats and tasks remain.
pub(super) fn write(about: &About, out: &mut dyn Write) {
    plain::write(about, out);
}

pub(super) fn trace_poll(_: u64, context: &mut Context<'_>, poll: &mut dyn FnMut(&mut Context<'_>)) {
    poll(context);
}

/// Nothing on the way to the exit waits without an end here.
pub(crate) mod failsafe_timer {
    use std::time::Duration;

    pub(crate) const FAILSAFE: Duration = Duration::from_secs(5);

    pub(crate) fn arm() {}
}
