//! The dead man's switch: one thread outside tokio that ends a process whose heart has stopped.
//!
//! What runs after the verdict allocates nothing and takes no lock.

mod judge;
pub(crate) mod verdict;

use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::bell::Bell;
use crate::config;
use crate::heartbeat::{self, Arm, Heartbeat};
use crate::raw::{self, stderr_line};
use crate::watchdog::judge::{Judgement, Limits, Pulse, Tick};

/// Beats from inside the runtime: a frozen runtime is found in a program without any `#[heartbeat]`.
pub(crate) static RUNTIME: Heartbeat = Heartbeat::declare(
    "tokio runtime",
    None,
    Arm::Start,
    crate::place::Place { file: file!(), line: line!() },
);

/// How long the verdict waits for `tracing`, and for the ledger.
const TRACING_PATIENCE: Duration = Duration::from_millis(250);
const LEDGER_PATIENCE: Duration = Duration::from_secs(1);

struct Watchdog {
    thread: OnceLock<Thread>,
    /// Counts the runs; 0 while nothing is judged.
    run: AtomicU32,
    paused: AtomicU32,
    /// Nanoseconds after `epoch` at which the process is gone, whatever happens; 0 is never.
    deadline: AtomicU64,
    epoch: OnceLock<Instant>,
    hung: AtomicPtr<Heartbeat>,
    hang_recorded: AtomicBool,
}

static WATCHDOG: Watchdog = Watchdog {
    thread: OnceLock::new(),
    run: AtomicU32::new(0),
    paused: AtomicU32::new(0),
    deadline: AtomicU64::new(0),
    epoch: OnceLock::new(),
    hung: AtomicPtr::new(null_mut()),
    hang_recorded: AtomicBool::new(false),
};

/// Starts the thread. Without a configuration it judges no heartbeat, but still enforces deadlines.
pub(crate) fn start(config: Option<config::Watchdog>, bell: &'static Bell) {
    WATCHDOG.epoch.get_or_init(Instant::now);
    if config.is_some() {
        heartbeat::link_declared();
        RUNTIME.link();
    }
    let watch = move || Watch::new(config, bell).run();
    match std::thread::Builder::new().name("lifecycle-watchdog".into()).spawn(watch) {
        Ok(thread) => drop(WATCHDOG.thread.set(thread.thread().clone())),
        Err(error) => crate::log::warn(format!("no watchdog: its thread cannot be started: {error}")),
    }
}

/// A run begins: every heartbeat starts anew, with its start-up limit.
pub(crate) fn begin_run(number: u32) {
    WATCHDOG.run.store(number, Release);
    WATCHDOG.wake();
}

/// Nothing is judged until the next run: the run is shutting down, or its back-off waits.
pub(crate) fn end_run() {
    WATCHDOG.run.store(0, Release);
}

/// At `deadline` the process is gone.
pub(crate) fn set_deadline(deadline: Option<Instant>) {
    let epoch = *WATCHDOG.epoch.get_or_init(Instant::now);
    let nanos = deadline.map_or(0, |at| at.saturating_duration_since(epoch).as_nanos().max(1));
    WATCHDOG.deadline.store(u64::try_from(nanos).unwrap_or(u64::MAX), Release);
    WATCHDOG.wake();
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

/// The guard of [`pause`]; heartbeats are judged again, from zero, when the last one is dropped.
#[must_use = "heartbeats are judged again as soon as the guard is dropped"]
pub struct Guard {
    _private: (),
}

impl Drop for Guard {
    fn drop(&mut self) {
        WATCHDOG.paused.fetch_sub(1, AcqRel);
    }
}

impl Watchdog {
    fn wake(&self) {
        self.thread.get().into_iter().for_each(Thread::unpark);
    }

    fn time_to_deadline(&self) -> Option<Duration> {
        let nanos = self.deadline.load(Acquire);
        let deadline = *self.epoch.get()? + Duration::from_nanos(nanos);
        (nanos > 0).then(|| deadline.saturating_duration_since(Instant::now()))
    }
}

/// The thread's own state.
struct Watch {
    config: Option<config::Watchdog>,
    bell: &'static Bell,
    pulses: Vec<(&'static Heartbeat, Pulse)>,
    run: u32,
    tick: Duration,
}

impl Watch {
    fn new(config: Option<config::Watchdog>, bell: &'static Bell) -> Watch {
        Watch { config, bell, pulses: Vec::with_capacity(64), run: 0, tick: Duration::from_secs(1) }
    }

    fn run(mut self) {
        let mut before = Instant::now();
        loop {
            let deadline = WATCHDOG.time_to_deadline();
            if deadline.is_some_and(|left| left.is_zero()) {
                overdue();
            }
            let run = WATCHDOG.run.load(Acquire);
            let judging = self.config.filter(|_| run > 0);
            if let Some(config) = judging {
                self.discover(config, run);
            }
            if judging.is_none() && deadline.is_none() {
                std::thread::park();
                before = Instant::now();
                continue;
            }
            let planned = deadline.map_or(self.tick, |left| left.min(self.tick));
            std::thread::park_timeout(planned);
            let now = Instant::now();
            let tick = Tick { planned, elapsed: now - before };
            before = now;
            // A run that ended meanwhile is not judged any more: `judging` may be out of date by now.
            if let Some(config) = judging.filter(|_| WATCHDOG.run.load(Acquire) == run) {
                self.look(config, tick);
            }
        }
    }

    fn look(&mut self, config: config::Watchdog, tick: Tick) {
        let paused = WATCHDOG.paused.load(Acquire) > 0;
        let bell = self.bell;
        for (heartbeat, pulse) in &mut self.pulses {
            let beating = heartbeat.limit().unwrap_or(config.timeout);
            let startup = (heartbeat.arm() == Arm::Start).then_some(config.startup);
            let limits = Limits { beating, startup };
            let judgement = if paused || heartbeat.is_paused() {
                pulse.excuse();
                Judgement::Fine
            } else {
                pulse.observe(heartbeat.beats(), tick, limits)
            };
            heartbeat.set_stale(pulse.stale, pulse.has_beaten());
            match judgement {
                Judgement::Fine => {}
                Judgement::Half => crate::log::half_time(heartbeat),
                // Look once more: the beat may have come while the others were judged.
                Judgement::Hung if pulse.observe(heartbeat.beats(), tick, limits) != Judgement::Hung => {}
                Judgement::Hung if is_debugged() => pulse.excuse(),
                Judgement::Hung => hang(heartbeat, bell),
            }
        }
    }

    /// Learns of new heartbeats; forgets what it knew when a new run has begun.
    fn discover(&mut self, config: config::Watchdog, run: u32) {
        if run != self.run {
            self.run = run;
            self.pulses.clear();
        }
        if heartbeat::all().count() == self.pulses.len() {
            return;
        }
        for heartbeat in heartbeat::all() {
            if !self.pulses.iter().any(|(known, _)| std::ptr::eq(*known, heartbeat)) {
                self.pulses.push((heartbeat, Pulse::new(heartbeat.beats())));
            }
        }
        let limits = self.pulses.iter().filter_map(|(heartbeat, _)| heartbeat.limit());
        let shortest = limits.chain([config.timeout, config.startup]).min().unwrap_or(config.timeout);
        self.tick = (shortest / 10).clamp(Duration::from_millis(5), Duration::from_secs(1));
    }
}

/// Allocates nothing, takes no lock; ends with the process.
fn hang(heartbeat: &'static Heartbeat, bell: &Bell) -> ! {
    stderr_line!("{}: {}", verdict::HEADLINE, verdict::Stale(heartbeat));
    WATCHDOG.hung.store(std::ptr::from_ref(heartbeat).cast_mut(), Release);
    crate::log::hang(heartbeat);
    bell.ring();
    let verdict = Instant::now();
    let told = || crate::log::hang_was_told() || verdict.elapsed() > TRACING_PATIENCE;
    let recorded = || WATCHDOG.hang_recorded.load(Acquire) || verdict.elapsed() > LEDGER_PATIENCE;
    while !(told() && recorded()) {
        std::thread::sleep(Duration::from_millis(2));
    }
    raw::exit(1);
}

/// B + 1 s: whatever the hooks, the runtime or the logger do.
fn overdue() -> ! {
    stderr_line!("ERROR lifecycle: the shutdown is overdue: the process ends now with exit code 1");
    crate::shutdown::for_each_running(|hook| {
        stderr_line!("ERROR lifecycle: still running: hook `{}` ({})", hook.name, hook.place);
    });
    raw::exit(1);
}

/// Whether somebody single-steps us: then nothing is late.
#[cfg(target_os = "linux")]
fn is_debugged() -> bool {
    use std::io::Read;
    // Short paths are opened without allocation; the answer stands in the first half of the file.
    let mut status = [0; 1024];
    let read = std::fs::File::open("/proc/self/status").and_then(|mut file| file.read(&mut status));
    let status = &status[..read.unwrap_or(0)];
    let tracer = status.split(|b| *b == b'\n').find_map(|line| line.strip_prefix(b"TracerPid:"));
    tracer.is_some_and(|pid| pid.trim_ascii() != b"0")
}

#[cfg(not(target_os = "linux"))]
fn is_debugged() -> bool {
    false
}
