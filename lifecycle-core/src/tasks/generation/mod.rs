//! The runs of main in this process, and to which of them a thread belongs: what an earlier run left behind (a thread, a
//! blocking task) stays stopped for ever.
//!
//! A thread of a run's runtime is bound when it starts. Any other is bound when it first asks, by its age: one that is
//! older than the run that is current was left behind by an earlier one, unless it is older than the first run.

mod state;

use std::cell::Cell;

use crate::os::process::{ThreadBirth, thread_birth};
use crate::os::sync::{AtomicU32, Mutex};
use state::{Generations, Hosts, UNBOUND, of};

/// Process-wide, as main is, so that `is_running` is one load.
static GENERATIONS: Generations<ThreadBirth> =
    Generations { state: AtomicU32::new(of(FIRST)), hosts: Mutex::new(Hosts { first: None, current: None }) };

pub(crate) const FIRST: u32 = 1;

thread_local! {
    static BOUND: Cell<u32> = const { Cell::new(UNBOUND) };
}

/// Whether the run that the calling thread belongs to goes on.
#[inline]
pub(crate) fn is_running() -> bool {
    BOUND.with(|bound| GENERATIONS.is_running(bound, thread_birth))
}

/// Whether the calling thread was left behind by an earlier run.
#[inline]
pub(crate) fn is_left_behind() -> bool {
    BOUND.with(|bound| GENERATIONS.is_left_behind(bound, thread_birth))
}

/// Binds the calling thread, which a run has started.
pub(crate) fn bind_to(generation: u32) {
    BOUND.set(of(generation));
}

/// The calling thread hosts a run that begins.
pub(super) fn begin(generation: u32) {
    BOUND.with(|bound| GENERATIONS.begin(generation, bound, thread_birth()));
}

/// The run stops, if it is the current one.
pub(super) fn stop(generation: u32) {
    GENERATIONS.stop(generation);
}
