//! From an expired heartbeat to the exit: [`end`], read from top to bottom. Also what follows half of a heartbeat's time,
//! and a shutdown that outlives its deadline.
//!
//! `end` runs on the watchdog's thread: it allocates nothing and takes no lock, since whatever hangs may hold any. What
//! must allocate or may block has a thread of its own, made at the start, and gets a bounded time.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::time::{Duration, Instant};

use lifecycle_os::failsafe_timer::FailsafeTimer;

use super::manager::LifecycleManager;
use super::{on_hang_hooks, re_exec};
use crate::config::options::OnHang;
use crate::hang::{self, Suspect, Verdict, Warning};
use crate::model::event::{Event, Fields, Level};
use crate::os::atomic_ref::AtomicRef;
use crate::os::clock::millis;
use crate::os::flight::{self, Stalest};
use crate::os::log::{self, Urgent};
use crate::os::stderr::stderr_line;
use crate::os::{journal, process, termination_log};
use crate::systemd;
use crate::watchdog::heartbeat::Heartbeat;
use crate::watchdog::message::HEADLINE;
use crate::watchdog::{self, Actions};

/// What each part may take, counted from the expiry: they run beside each other.
const HOOKS: Duration = Duration::from_secs(1);
const LEDGER: Duration = Duration::from_secs(1);

/// Counted from the end of the report, which has the last of what `tracing` is told.
const TRACING: Duration = Duration::from_millis(250);

/// The report comes first of what the thread waits for, and the parts above go on meanwhile.
const REPORT: Duration = hang::LONGEST_REPORT;

/// Armed first of all, in the kernel: whatever else blocks, the process ends then.
const FAILSAFE: Duration = Duration::from_secs(5);
static FAILSAFE_TIMER: FailsafeTimer =
    FailsafeTimer::new("CRITICAL lifecycle: the hang report takes too long: the process ends now");

const _: () = {
    let first = if REPORT.as_millis() > HOOKS.as_millis() { REPORT } else { HOOKS };
    let parts = first.as_millis() + TRACING.as_millis() + re_exec::AFTER_HANG.as_millis();
    assert!(parts < FAILSAFE.as_millis() && LEDGER.as_millis() < REPORT.as_millis());
    assert!(TRACING.as_millis() < LEDGER.as_millis());
};

const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// What the watchdog is given.
fn actions() -> Actions {
    let (ping, ping_interval) = (systemd::ping, systemd::ping_interval());
    Actions { half_time, tick: look_at_polls, record, hang: end, overdue, ping, ping_interval }
}

/// At each tick. A tracked task is looked at a little more closely: its polls are known one by one.
fn look_at_polls(tracked: Duration, worker: Duration) {
    hang::look_at_polls(tracked);
    hang::look_at_workers(worker);
}

/// What the watchdog's thread hands to the others.
struct Hang {
    /// The heartbeat that expired, and what has been done about it.
    expired: AtomicRef<Heartbeat>,
    is_recorded: AtomicBool,
    /// Whom the report accuses; empty is nobody.
    suspect: OnceLock<Suspect>,
    /// How many records `tracing` has: that of the verdict, and that of the suspect.
    logged: AtomicU32,
    /// What follows is a core dump.
    is_abort: AtomicBool,
    /// For the log thread: a heartbeat at half of its time, one that expired, and the same once it is known who held it up.
    half_time: AtomicRef<Heartbeat>,
    unlogged: AtomicRef<Heartbeat>,
    accused: AtomicRef<Heartbeat>,
}

/// Process-wide, as the watchdog's thread is.
static HANG: Hang = Hang {
    expired: AtomicRef::none(),
    is_recorded: AtomicBool::new(false),
    suspect: OnceLock::new(),
    logged: AtomicU32::new(0),
    is_abort: AtomicBool::new(false),
    half_time: AtomicRef::none(),
    unlogged: AtomicRef::none(),
    accused: AtomicRef::none(),
};

/// The heartbeat that expired: the process is about to end.
pub(super) fn expired() -> Option<&'static Heartbeat> {
    HANG.expired.load()
}

/// The orchestrator has handed the hang to the ledger.
pub(super) fn is_recorded() {
    HANG.is_recorded.store(true, Release);
}

pub(super) fn was_recorded() -> bool {
    HANG.is_recorded.load(Acquire)
}

fn end(heartbeat: &'static Heartbeat) -> ! {
    let expired = Instant::now();
    FAILSAFE_TIMER.arm(FAILSAFE);
    stderr_line!("{}{HEADLINE}: {}", journal::level("<2>"), Verdict(heartbeat));
    // For the log thread, the orchestrator (which tells the ledger) and the hooks' thread.
    HANG.expired.store(Some(heartbeat));
    HANG.unlogged.store(Some(heartbeat));
    log::wake();
    LifecycleManager::global().wakeup().notify();
    on_hang_hooks::ask();

    let suspect = hang::fatal(heartbeat);
    let reported = Instant::now();
    let records = accuse(heartbeat, suspect);

    on_hang_hooks::wait(expired + HOOKS);
    let is_logged = || HANG.logged.load(Acquire) >= records || reported.elapsed() > TRACING;
    let is_recorded = || was_recorded() || expired.elapsed() > LEDGER;
    while !(is_logged() && is_recorded()) {
        std::thread::sleep(POLL_INTERVAL);
    }
    re_exec::after_hang();
    termination_log::write(format_args!("{HEADLINE}: {}{}{Running}\n", Verdict(heartbeat), Accused(suspect)));
    systemd::trigger();
    if HANG.is_abort.load(Acquire) {
        process::abort();
    }
    process::exit(1)
}

/// For the log thread. Returns how many records of the hang it writes in all.
fn accuse(heartbeat: &'static Heartbeat, suspect: Suspect) -> u32 {
    if suspect.is_empty() || HANG.suspect.set(suspect).is_err() {
        return 1;
    }
    HANG.accused.store(Some(heartbeat));
    log::wake();
    2
}

/// Whom the report accuses, if anybody.
struct Accused(Suspect);

impl fmt::Display for Accused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "\nSUSPECT {}", self.0.as_str()) }
    }
}

/// The hooks that run: the step, and the culprit of a shutdown.
struct Running;

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = Ok(());
        LifecycleManager::global().in_progress().for_each_running(|hook| {
            let phase = hook.phase.name();
            let next = write!(
                f,
                "\nstill running: hook `{}` ({}), phase {phase}, order {}",
                hook.name, hook.place, hook.order
            );
            result = result.and(next);
        });
        result
    }
}

/// A second after its budget a shutdown is over, whatever the hooks, the runtime or the logger do.
fn overdue() -> ! {
    stderr_line!("ERROR lifecycle: the shutdown is overdue: the process ends now with exit code 1");
    termination_log::write(format_args!("the shutdown is overdue{Running}\nexit code 1\n"));
    LifecycleManager::global().in_progress().for_each_running(|hook| {
        stderr_line!("ERROR lifecycle: still running: hook `{}` ({})", hook.name, hook.place);
    });
    process::exit(1)
}

fn record(stalest: Option<&'static Heartbeat>) {
    flight::record(stalest.map(|heartbeat| Stalest {
        name: heartbeat.name(),
        age: heartbeat.stale(),
        allowed: heartbeat.allowed(),
    }));
}

fn half_time(heartbeat: &'static Heartbeat) {
    HANG.half_time.store(Some(heartbeat));
    log::wake();
    hang::half_time(heartbeat);
}

/// What the log thread is to say. On that thread.
pub(super) fn unlogged() -> Option<Urgent> {
    if let Some(heartbeat) = HANG.half_time.take() {
        let event = Event::new(Level::Warn, Warning(heartbeat).to_string()).with(about(heartbeat));
        return Some(Urgent { event, on_stderr: false, done: || {} });
    }
    // CRITICAL is the verdict's level on stderr, which has both already.
    let done = || {
        HANG.logged.fetch_add(1, AcqRel);
    };
    let event = if let Some(heartbeat) = HANG.unlogged.take() {
        let text = format!("{}: {}", HEADLINE.trim_start_matches("CRITICAL "), Verdict(heartbeat));
        Event::new(Level::Error, text).with(about(heartbeat))
    } else {
        let heartbeat = HANG.accused.take()?;
        let suspect = HANG.suspect.get()?.as_str().to_owned();
        let fields = Fields { suspect: Some(suspect.clone()), ..about(heartbeat) };
        Event::new(Level::Error, format!("SUSPECT {suspect}")).with(fields)
    };
    Some(Urgent { event, on_stderr: true, done })
}

fn about(heartbeat: &Heartbeat) -> Fields {
    let age_ms = Some(millis(heartbeat.stale()));
    Fields { heartbeat: Some(heartbeat.name()), age_ms, ..Fields::default() }
}

/// Starts the watchdog's thread.
pub(super) fn start(config: Option<crate::config::resolve::Watchdog>) {
    if let Some(config) = &config {
        HANG.is_abort.store(config.on_hang == OnHang::Abort, Release);
        FAILSAFE_TIMER.prepare();
        on_hang_hooks::start();
    }
    if let Err(error) = watchdog::start(config, actions()) {
        log::warn(format!("no watchdog: its thread cannot be started: {error}"));
    }
}
