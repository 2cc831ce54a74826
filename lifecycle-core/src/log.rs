//! What the framework says: through `tracing` from a thread of its own, and to stderr where nobody subscribed.

use std::collections::VecDeque;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::heartbeat::Heartbeat;
use crate::raw;
use crate::watchdog::verdict;

/// How much it matters. Warnings and worse reach stderr without a subscriber; a notice does too, since it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Notice,
    Warn,
    Error,
}

/// How long a caller waits for its own line, so that lines of ours and of the user's keep their order.
const PATIENCE: Duration = Duration::from_millis(100);

/// A subscriber may block for ever, on a lock of its own or a full pipe. Only this thread ever calls it.
struct Scribe {
    queue: Mutex<Queue>,
    written: Condvar,
    thread: OnceLock<Thread>,
    /// Set by whoever waited in vain: nobody waits again until the scribe moves.
    stuck: AtomicBool,
    /// A heartbeat at half its limit; the watchdog may neither lock nor allocate, so it has a slot of its own.
    half: AtomicPtr<Heartbeat>,
    hang: AtomicPtr<Heartbeat>,
    hang_told: AtomicBool,
}

struct Queue {
    lines: VecDeque<(Level, String)>,
    taken: u64,
    done: u64,
}

static SCRIBE: Scribe = Scribe {
    queue: Mutex::new(Queue { lines: VecDeque::new(), taken: 0, done: 0 }),
    written: Condvar::new(),
    thread: OnceLock::new(),
    stuck: AtomicBool::new(false),
    half: AtomicPtr::new(null_mut()),
    hang: AtomicPtr::new(null_mut()),
    hang_told: AtomicBool::new(false),
};

/// Starts the scribe. Before that lines are written by the caller.
pub(crate) fn start() {
    let scribe = std::thread::Builder::new().name("lifecycle-log".into()).spawn(|| SCRIBE.run());
    if let Ok(scribe) = scribe {
        let _ = SCRIBE.thread.set(scribe.thread().clone());
    }
}

pub(crate) fn info(text: impl Into<String>) {
    SCRIBE.say(Level::Info, text.into());
}

pub(crate) fn warn(text: impl Into<String>) {
    SCRIBE.say(Level::Warn, text.into());
}

pub(crate) fn say(level: Level, text: impl Into<String>) {
    SCRIBE.say(level, text.into());
}

/// Waits until everything was written, or `deadline`: then what is left goes straight to stderr.
pub(crate) fn flush(deadline: Instant) {
    SCRIBE.flush(deadline);
}

/// For the watchdog: no lock, no allocation.
pub(crate) fn half_time(heartbeat: &'static Heartbeat) {
    SCRIBE.half.store(std::ptr::from_ref(heartbeat).cast_mut(), Release);
    SCRIBE.wake();
}

/// For the watchdog: no lock, no allocation. Ask [`hang_was_told`] whether tracing has got it.
pub(crate) fn hang(heartbeat: &'static Heartbeat) {
    SCRIBE.hang.store(std::ptr::from_ref(heartbeat).cast_mut(), Release);
    SCRIBE.wake();
}

pub(crate) fn hang_was_told() -> bool {
    SCRIBE.hang_told.load(Acquire)
}

impl Scribe {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On Linux one atomic swap and one futex call.
    fn wake(&self) {
        self.thread.get().into_iter().for_each(Thread::unpark);
    }

    fn say(&self, level: Level, text: String) {
        // Without a subscriber there is no lock of anybody's to wait for: `raw::stderr` is bounded.
        if self.thread.get().is_none() || !tracing::dispatcher::has_been_set() {
            return emit(level, &text);
        }
        let mut queue = self.queue();
        queue.lines.push_back((level, text));
        let number = queue.taken + queue.lines.len() as u64;
        self.wake();
        if self.stuck.load(Relaxed) {
            return;
        }
        let written = self.written.wait_timeout_while(queue, PATIENCE, |queue| queue.done < number);
        let (queue, timeout) = written.unwrap_or_else(PoisonError::into_inner);
        drop(queue);
        self.stuck.fetch_or(timeout.timed_out(), AcqRel);
    }

    fn flush(&self, deadline: Instant) {
        if self.thread.get().is_none() {
            return;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let queue = self.queue();
        let number = queue.taken + queue.lines.len() as u64;
        let written = self.written.wait_timeout_while(queue, left, |queue| queue.done < number);
        let (mut queue, _) = written.unwrap_or_else(PoisonError::into_inner);
        for (level, text) in queue.lines.drain(..) {
            to_stderr(level, &text);
        }
    }

    fn run(&self) {
        loop {
            if let Some(heartbeat) = take(&self.half) {
                emit(Level::Warn, &verdict::half_time(heartbeat));
            }
            if let Some(heartbeat) = take(&self.hang) {
                // stderr has it already: the watchdog wrote it there itself.
                if tracing::dispatcher::has_been_set() {
                    tracing::error!(target: "lifecycle", "{}", verdict::hang(heartbeat));
                }
                self.hang_told.store(true, Release);
            }
            let line = {
                let mut queue = self.queue();
                let line = queue.lines.pop_front();
                queue.taken += u64::from(line.is_some());
                line
            };
            match line {
                Some((level, text)) => {
                    emit(level, &text);
                    self.queue().done += 1;
                    self.stuck.store(false, Relaxed);
                    self.written.notify_all();
                }
                None => std::thread::park(),
            }
        }
    }
}

fn take(slot: &AtomicPtr<Heartbeat>) -> Option<&'static Heartbeat> {
    // SAFETY: null, or stored from a `&'static Heartbeat` by the functions above.
    unsafe { slot.swap(null_mut(), AcqRel).as_ref() }
}

fn emit(level: Level, text: &str) {
    if !tracing::dispatcher::has_been_set() {
        return to_stderr(level, text);
    }
    match level {
        Level::Info | Level::Notice => tracing::info!(target: "lifecycle", "{text}"),
        Level::Warn => tracing::warn!(target: "lifecycle", "{text}"),
        Level::Error => tracing::error!(target: "lifecycle", "{text}"),
    }
}

fn to_stderr(level: Level, text: &str) {
    let word = match level {
        Level::Info => return,
        Level::Notice => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    };
    raw::stderr(format!("{word} lifecycle: {text}\n").as_bytes());
}
