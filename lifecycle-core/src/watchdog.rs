//! The dead man's switch: one thread outside tokio that ends a process whose heart has stopped.
//!
//! What runs after the verdict allocates nothing and takes no lock.

pub(crate) mod deadline;
mod judge;
pub(crate) mod verdict;
mod watch;

use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};

use crate::bell::Bell;
use crate::config;
use crate::heartbeat::{self, Arm, Heartbeat};
use crate::place::Place;
use crate::watchdog::watch::Watch;

/// Beats from inside the runtime: a frozen runtime is found in a program without any `#[heartbeat]`.
pub(crate) static RUNTIME: Heartbeat =
    Heartbeat::declare("tokio runtime", None, Arm::Start, Place { file: file!(), line: line!() });

/// A hang report is made on its thread, names and frames in place.
const STACK: usize = 1 << 20;

/// Stands for the `init` function, which must return within the start-up limit. Never beats.
pub(crate) static INIT: Heartbeat =
    Heartbeat::declare("init", None, Arm::Start, Place { file: file!(), line: line!() });

/// The number of the run in which only `init` is judged.
const INIT_RUN: u32 = u32::MAX;

struct Watchdog {
    /// Wakes its thread; the signal handler rings it too.
    bell: OnceLock<Bell>,
    /// Counts the runs; 0 while nothing is judged.
    run: AtomicU32,
    paused: AtomicU32,
    hung: AtomicPtr<Heartbeat>,
    hang_recorded: AtomicBool,
}

static WATCHDOG: Watchdog = Watchdog {
    bell: OnceLock::new(),
    run: AtomicU32::new(0),
    paused: AtomicU32::new(0),
    hung: AtomicPtr::new(null_mut()),
    hang_recorded: AtomicBool::new(false),
};

/// Milliseconds of ticks, each credited with its own length at most; only the watchdog's thread stores it.
static TICKED: AtomicU64 = AtomicU64::new(0);

/// The time as polls are stamped with it: reading it costs one load. It stands while nothing is judged.
#[inline]
pub(crate) fn ticked() -> u64 {
    TICKED.load(Relaxed)
}

/// The bell that wakes the thread, made at the first call.
///
/// # Panics
/// If the process has no file descriptors left.
pub(crate) fn bell() -> &'static Bell {
    WATCHDOG.bell.get_or_init(|| Bell::new().expect("two file descriptors for the watchdog's pipe"))
}

/// Starts the thread. Without a configuration it judges no heartbeat, but still enforces deadlines.
pub(crate) fn start(config: Option<config::Watchdog>, orchestrator: &'static Bell) {
    if config.is_some() {
        heartbeat::link_declared();
        RUNTIME.link();
    }
    let watch = move || Watch::new(config, bell(), orchestrator).run();
    let builder = std::thread::Builder::new().name("lifecycle-watchdog".into()).stack_size(STACK);
    let thread = builder.spawn(watch);
    if let Err(error) = thread {
        crate::log::warn(format!("no watchdog: its thread cannot be started: {error}"));
    }
}

/// `init` begins: nothing else is judged until the first run.
pub(crate) fn begin_init() {
    begin_run(INIT_RUN);
}

/// A run begins: every heartbeat starts anew, with its start-up limit.
pub(crate) fn begin_run(number: u32) {
    heartbeat::all().for_each(Heartbeat::begin_run);
    WATCHDOG.run.store(number, Release);
    bell().ring();
}

/// Nothing is judged until the next run: the run is shutting down, or its back-off waits.
pub(crate) fn end_run() {
    WATCHDOG.run.store(0, Release);
}

/// A shutdown begins: from here on the process has its budget, however often this is said.
pub(crate) fn arm_deadline() {
    deadline::arm();
    bell().ring();
}

/// The heartbeat that the verdict fell on.
pub(crate) fn hung_heartbeat() -> Option<&'static Heartbeat> {
    // SAFETY: null, or stored from a `&'static Heartbeat` by `hang`.
    unsafe { WATCHDOG.hung.load(Acquire).as_ref() }
}

/// The orchestrator has written the hang to the ledger.
pub(crate) fn hang_is_recorded() {
    WATCHDOG.hang_recorded.store(true, Release);
}

/// Whether it has, if there was one.
pub(crate) fn hang_was_recorded() -> bool {
    WATCHDOG.hang_recorded.load(Acquire)
}

/// Judges no heartbeat while the guard lives: for a long legitimate operation that blocks what beats.
///
/// ```
/// let guard = lifecycle::watchdog::pause("importing the order book");
/// // … minutes of work on the only thread …
/// drop(guard);
/// ```
pub fn pause(reason: &'static str) -> Guard {
    WATCHDOG.paused.fetch_add(1, AcqRel);
    tracing::debug!(target: "lifecycle", reason, "watchdog paused");
    Guard { _private: () }
}

/// The guard of [`pause`]: heartbeats are judged again, from zero, when the last one is dropped.
///
/// ```
/// struct Import {
///     _unwatched: lifecycle::watchdog::Guard,
/// }
///
/// let import = Import { _unwatched: lifecycle::watchdog::pause("importing the order book") };
/// drop(import);
/// ```
#[must_use = "heartbeats are judged again as soon as the guard is dropped"]
pub struct Guard {
    _private: (),
}

impl Drop for Guard {
    fn drop(&mut self) {
        WATCHDOG.paused.fetch_sub(1, AcqRel);
    }
}
