//! The runs of main in this process, and to which of them a thread belongs: what an earlier run left behind (a thread, a
//! blocking task) stays stopped for ever.
//!
//! A thread of a run's runtime is bound when it starts. Any other is bound when it first asks, by its age: one that is
//! older than the run that is current was left behind by an earlier one, unless it is older than the first run.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::os::lock::lock;
use crate::os::process::{ThreadBirth, thread_birth};

struct Generations {
    /// The run that is current; 0 once it is stopping.
    running: AtomicU32,
    current: AtomicU32,
    hosts: Mutex<Hosts>,
}

/// Births of the threads that host the first run and the current one.
struct Hosts {
    first: Option<ThreadBirth>,
    current: Option<ThreadBirth>,
}

/// Process-wide, as main is, so that `is_running` is one load.
static GENERATIONS: Generations = Generations {
    running: AtomicU32::new(FIRST),
    current: AtomicU32::new(FIRST),
    hosts: Mutex::new(Hosts { first: None, current: None }),
};

pub(crate) const FIRST: u32 = 1;
const UNBOUND: u32 = 0;
/// Older than the first run: it belongs to the process.
const OF_THE_PROCESS: u32 = u32::MAX;
const LEFT_BEHIND: u32 = u32::MAX - 1;

thread_local! {
    static BOUND: Cell<u32> = const { Cell::new(UNBOUND) };
}

/// Whether the run that the calling thread belongs to goes on.
#[inline]
pub(crate) fn is_running() -> bool {
    // Relaxed: nothing else is published with it; the token has an order.
    let running = GENERATIONS.running.load(Relaxed);
    running != 0 && (BOUND.get() == running || !is_left_behind())
}

/// Whether the calling thread was left behind by an earlier run.
#[inline]
pub(crate) fn is_left_behind() -> bool {
    let current = GENERATIONS.current.load(Relaxed);
    match BOUND.get() {
        UNBOUND => bind(current),
        OF_THE_PROCESS => false,
        bound => bound != current,
    }
}

#[cold]
fn bind(current: u32) -> bool {
    let hosts = lock(&GENERATIONS.hosts);
    let bound = match (thread_birth(), hosts.first, hosts.current) {
        (Some(own), Some(first), _) if own < first => OF_THE_PROCESS,
        (Some(own), _, Some(host)) if own < host => LEFT_BEHIND,
        (_, None, _) => OF_THE_PROCESS,
        _ => current,
    };
    BOUND.set(bound);
    bound == LEFT_BEHIND
}

/// Binds the calling thread, which a run has started.
pub(crate) fn bind_to(generation: u32) {
    BOUND.set(generation);
}

/// The calling thread hosts a run that begins.
pub(super) fn begin(generation: u32) {
    let birth = thread_birth();
    let mut hosts = lock(&GENERATIONS.hosts);
    hosts.first = hosts.first.or(birth);
    hosts.current = birth;
    GENERATIONS.current.store(generation, Relaxed);
    GENERATIONS.running.store(generation, Relaxed);
    drop(hosts);
    bind_to(generation);
}

/// The current run stops.
pub(super) fn stop() {
    GENERATIONS.running.store(0, Relaxed);
}
