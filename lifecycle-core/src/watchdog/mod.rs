//! The dead man's switch: one thread outside tokio that judges heartbeats, and the deadline of a shutdown.
//!
//! Beats come in, "expired" goes out: what follows is in the functions that `start` is given. Nothing here knows a
//! consequence. After an expiry nothing on this thread allocates or takes a lock.

pub(crate) mod breadcrumb;
pub(crate) mod call_state;
pub(crate) mod calls;
pub(crate) mod heartbeat;
mod judge;
mod judge_calls;
pub(crate) mod message;
mod pings;
mod thread;

use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::time::Duration;

use crate::config::resolve::Watchdog as Config;
use crate::model::place::Place;
use crate::os::deadline;
use crate::os::orphans::{Reaper, inherits_orphans};
use crate::os::thread::spawn;
use crate::os::wakeup::Wakeup;
use heartbeat::{Heartbeat, Kind};
use thread::WatchdogThread;

/// Beats from inside the runtime: a frozen runtime is found in a program without any `#[heartbeat]`.
pub(crate) static RUNTIME: Heartbeat =
    Heartbeat::built_in("tokio runtime", Kind::Runtime, Place { file: file!(), line: line!() });

/// Stands for the `init` function, which must return within the start-up limit. Never beats.
static INIT: Heartbeat = Heartbeat::built_in("init", Kind::Init, Place { file: file!(), line: line!() });

/// Hang reports are made on this thread, names and frames in place.
const STACK: usize = 1 << 20;

/// The number of the run in which only `init` is judged.
const INIT_RUN: u32 = u32::MAX;

/// What follows from what the thread sees. Called on it: none may allocate, lock or panic.
#[derive(Clone, Copy)]
pub(crate) struct Actions {
    /// Half of a heartbeat's time is over.
    pub(crate) half_time: fn(&'static Heartbeat),
    /// At each tick of a run that is judged, with the limits of a tracked task's poll and of a worker's.
    pub(crate) tick: fn(Duration, Duration),
    /// At each tick, also of a shutdown, before the wait for the next; with the heartbeat that has used up the most of its
    /// time. Nothing follows from it.
    pub(crate) record: fn(Option<&'static Heartbeat>),
    /// A heartbeat has expired; ends the process.
    pub(crate) hang: fn(&'static Heartbeat) -> !,
    /// Every heartbeat is fresh: to be said so often, if somebody wants to know.
    pub(crate) ping: fn(),
    pub(crate) ping_interval: Option<Duration>,
    /// The shutdown has outlived its deadline; ends the process.
    pub(crate) overdue: fn() -> !,
}

/// Process-wide: one thread judges all heartbeats, which are statics.
static WATCHDOG: Watchdog =
    Watchdog { wakeup: OnceLock::new(), run: AtomicU32::new(0), paused: AtomicU32::new(0) };

struct Watchdog {
    /// Wakes its thread; the signal handler notifies it, too.
    wakeup: OnceLock<Wakeup>,
    /// Counts the runs; 0 while nothing is judged.
    run: AtomicU32,
    paused: AtomicU32,
}

/// What wakes the thread, made at the first call.
///
/// # Panics
/// If the process has no file descriptors left.
pub(crate) fn wakeup() -> &'static Wakeup {
    WATCHDOG.wakeup.get_or_init(|| Wakeup::new().expect("two file descriptors for the watchdog's wake-up"))
}

/// Starts the thread. Without a configuration it judges no heartbeat, but still enforces deadlines.
pub(crate) fn start(config: Option<Config>, actions: Actions) -> std::io::Result<()> {
    if config.is_some() {
        heartbeat::link_declared();
        RUNTIME.link();
    }
    // Here, and not on the new thread: orphans come to the process's first one.
    let inherits = inherits_orphans();
    let work = move || WatchdogThread::new(config, actions, Reaper::new(inherits)).run();
    spawn("lifecycle-watchdog", Some(STACK), work).map(drop)
}

/// `init` begins: nothing else is judged until the first run.
pub(crate) fn begin_init() {
    begin_run(INIT_RUN);
}

/// A run begins: every heartbeat starts anew, with its start-up limit.
pub(crate) fn begin_run(number: u32) {
    heartbeat::all().for_each(Heartbeat::begin_run);
    WATCHDOG.run.store(number, Release);
    wakeup().notify();
}

/// Nothing is judged until the next run: the run is shutting down, or its back-off waits.
pub(crate) fn end_run() {
    WATCHDOG.run.store(0, Release);
}

/// Whether no heartbeat that is judged is stale beyond its limit.
pub(crate) fn is_fresh() -> bool {
    run() == 0 || is_paused() || !heartbeat::any_is_stale()
}

/// A shutdown begins: from here on the process has its budget, however often this is called.
pub(crate) fn arm_deadline() {
    if deadline::arm() {
        wakeup().notify();
    }
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

/// Of what is judged; 0 is nothing.
fn run() -> u32 {
    WATCHDOG.run.load(Acquire)
}

fn is_paused() -> bool {
    WATCHDOG.paused.load(Acquire) > 0
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
#[derive(Debug)]
#[must_use = "heartbeats are judged again as soon as the guard is dropped"]
pub struct Guard {
    _private: (),
}

impl Drop for Guard {
    fn drop(&mut self) {
        WATCHDOG.paused.fetch_sub(1, AcqRel);
    }
}
