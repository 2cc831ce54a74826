//! The thread that makes every report but the fatal one, and does what the fatal one must not: it may block for ever.

use std::fmt::Write;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::half_times::HalfTimes;
use super::late::LateLook;
use super::output::Output;
use super::{About, stacks, wake_all};
use crate::os::atomic_ref::AtomicRef;
use crate::os::clock::millis;
use crate::os::lock::lock;
use crate::os::thread;
use crate::tasks::tracked::TrackedTask;
use crate::tasks::workers::{self, Busy};
use crate::watchdog::heartbeat::Heartbeat;

/// What it is asked for. Atomics where a signal handler's thread and the watchdog ask, which must not lock.
struct Reporter {
    thread: OnceLock<Option<Thread>>,
    quits: AtomicU32,
    wake: AtomicBool,
    wake_worker: AtomicBool,
    half_time: AtomicRef<Heartbeat>,
    frozen: AtomicRef<TrackedTask>,
    /// Thread of a worker and its index plus 1, and for how many milliseconds it has been busy; 0 is none.
    busy_worker: AtomicU64,
    busy_for: AtomicU64,
    /// The first is being taken.
    looks: Mutex<Vec<LateLook>>,
    asked: Mutex<Vec<(About, Sender<String>)>>,
}

/// Process-wide, as threads and their stacks are.
static REPORTER: Reporter = Reporter {
    thread: OnceLock::new(),
    quits: AtomicU32::new(0),
    wake: AtomicBool::new(false),
    wake_worker: AtomicBool::new(false),
    half_time: AtomicRef::none(),
    frozen: AtomicRef::none(),
    busy_worker: AtomicU64::new(0),
    busy_for: AtomicU64::new(0),
    looks: Mutex::new(Vec::new()),
    asked: Mutex::new(Vec::new()),
};

/// As much as a report needs, names and frames in place.
const STACK: usize = 1 << 20;

/// Starts the thread.
pub(crate) fn start() {
    REPORTER.thread.get_or_init(|| {
        let mut half_times = HalfTimes::default();
        let work = move || {
            stacks::prepare();
            REPORTER.run(&mut half_times);
        };
        thread::spawn("lifecycle-report", Some(STACK), work).ok()
    });
}

/// SIGQUIT came `count` times: as many reports, to stderr.
pub(crate) fn on_quit(count: u32) {
    REPORTER.quits.fetch_add(count, AcqRel);
    REPORTER.unpark();
}

/// For the watchdog: no lock, no allocation.
pub(crate) fn half_time(heartbeat: &'static Heartbeat) {
    REPORTER.half_time.store(Some(heartbeat));
    REPORTER.unpark();
}

/// For the watchdog: no lock, no allocation.
pub(super) fn frozen(task: &'static TrackedTask) {
    REPORTER.frozen.store(Some(task));
    REPORTER.unpark();
}

/// For the watchdog: no lock, no allocation.
pub(super) fn busy_worker(busy: Busy) {
    REPORTER.busy_for.store(millis(busy.time), Relaxed);
    REPORTER.busy_worker.store(u64::from(busy.thread) << 32 | (busy.index as u64 + 1), Release);
    REPORTER.unpark();
}

/// For the watchdog: no lock, no allocation.
pub(super) fn wake_worker() {
    REPORTER.wake_worker.store(true, Release);
    REPORTER.unpark();
}

/// For the fatal report: no lock, no allocation.
pub(super) fn wake_tasks() {
    REPORTER.wake.store(true, Release);
    REPORTER.unpark();
}

/// A hook will be late, most likely.
pub(crate) fn look_at_late_hook() -> LateLook {
    let look = LateLook::default();
    lock(&REPORTER.looks).push(look.clone());
    REPORTER.unpark();
    look
}

/// Waits until the reports of late hooks are out, or `end`: then the process may end.
pub(crate) fn flush(end: Instant) {
    while lock(&REPORTER.looks).iter().any(LateLook::was_late) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// For code; `None` if it cannot be made in time.
pub(super) fn text(about: About, timeout: Duration) -> Option<String> {
    start();
    let (sender, receiver) = channel();
    lock(&REPORTER.asked).push((about, sender));
    REPORTER.unpark();
    receiver.recv_timeout(timeout).ok()
}

impl Reporter {
    fn unpark(&self) {
        self.thread.get().into_iter().flatten().for_each(Thread::unpark);
    }

    fn run(&self, half_times: &mut HalfTimes) {
        loop {
            if !self.act(half_times) {
                std::thread::park();
            }
        }
    }

    /// Does one thing; false if there was none.
    fn act(&self, half_times: &mut HalfTimes) -> bool {
        let look = lock(&self.looks).first().cloned();
        if self.wake.swap(false, AcqRel) {
            wake_all();
        } else if self.wake_worker.swap(false, AcqRel) {
            workers::wake_one();
        } else if let Some(look) = look {
            self.look(&look);
        } else if let Some(heartbeat) = self.half_time.take() {
            match half_times.admit(heartbeat, Instant::now()) {
                Some(left_out) => {
                    stacks::write(&About::HalfTime(heartbeat, left_out), &mut Output::new());
                }
                // A verdict may follow, and compares.
                None => stacks::sample(),
            }
        } else if let Some(task) = self.frozen.take() {
            stacks::write(&About::Frozen(task), &mut Output::new());
        } else if let Some(busy) = self.take_busy_worker() {
            stacks::write(&About::Worker(busy), &mut Output::new());
        } else if self.quits.load(Acquire) > 0 {
            self.quits.fetch_sub(1, AcqRel);
            stacks::write(&About::Asked, &mut Output::new());
        } else {
            return self.answer();
        }
        true
    }

    fn take_busy_worker(&self) -> Option<Busy> {
        let packed = self.busy_worker.swap(0, AcqRel);
        let (thread, number) = ((packed >> 32) as u32, (packed & u64::from(u32::MAX)) as usize);
        let time = Duration::from_millis(self.busy_for.load(Relaxed));
        Some(Busy { index: number.checked_sub(1)?, thread, time })
    }

    fn answer(&self) -> bool {
        let asked = std::mem::take(&mut *lock(&self.asked));
        let Some((about, _)) = asked.first() else { return false };
        let is_json = about.is_json();
        let mut text = String::new();
        stacks::write(about, &mut text);
        let (alike, others): (Vec<_>, Vec<_>) =
            asked.into_iter().partition(|(about, _)| about.is_json() == is_json);
        lock(&self.asked).extend(others);
        // Whoever asked may have given up.
        alike.into_iter().for_each(|(_, asked)| drop(asked.send(text.clone())));
        true
    }

    fn look(&self, look: &LateLook) {
        // One that it is too late for is left out: the hook is gone.
        let mut text = String::new();
        if !look.is_settled() {
            stacks::write(&About::Late, &mut text);
        }
        while !look.is_settled() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if look.was_late() {
            let _ = Output::new().write_str(&text);
        }
        lock(&self.looks).remove(0);
    }
}
