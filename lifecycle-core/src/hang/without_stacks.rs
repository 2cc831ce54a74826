//! Where threads cannot be looked into: another system, or the feature `stacks` is off. Heartbeats and tasks remain.

use std::fmt::Write;
use std::task::Context;

use super::{About, plain};

pub(super) fn prepare() {}

pub(super) fn sample() {}

pub(super) fn write(about: &About, out: &mut dyn Write) {
    plain::write(about, &"stacks of threads are told on Linux, with lifecycle's feature `stacks`", out);
}

pub(super) fn trace_poll(_: u64, context: &mut Context<'_>, poll: &mut dyn FnMut(&mut Context<'_>)) {
    poll(context);
}
