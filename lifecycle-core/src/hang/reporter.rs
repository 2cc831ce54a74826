//! The thread that makes every report but the fatal one, and does what the fatal one must not: it may block for ever.

use std::fmt::Write;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::late::Late;
use super::output::Output;
use super::{About, stacks, wake_all};
use crate::heartbeat::Heartbeat;
use crate::listen::Ear;

/// How long whoever asks from code waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What it is asked for. Atomics: a signal handler's thread and the watchdog ask without a lock.
struct Reporter {
    thread: OnceLock<Option<Thread>>,
    quits: AtomicU32,
    wake: AtomicBool,
    half: AtomicPtr<Heartbeat>,
    frozen: AtomicPtr<Ear>,
    late: Late,
    asked: Mutex<Vec<Sender<String>>>,
}

static REPORTER: Reporter = Reporter {
    thread: OnceLock::new(),
    quits: AtomicU32::new(0),
    wake: AtomicBool::new(false),
    half: AtomicPtr::new(null_mut()),
    frozen: AtomicPtr::new(null_mut()),
    late: Late::new(),
    asked: Mutex::new(Vec::new()),
};

/// As much as a report needs, names and frames in place.
pub(crate) const STACK: usize = 1 << 20;

/// Starts the thread.
pub(crate) fn start() {
    REPORTER.thread.get_or_init(|| {
        let builder = std::thread::Builder::new().name("lifecycle-report".into()).stack_size(STACK);
        let thread = builder.spawn(|| {
            stacks::prepare();
            REPORTER.run();
        });
        thread.ok().map(|thread| thread.thread().clone())
    });
}

/// SIGQUIT came `count` times: as many reports, to stderr.
pub(crate) fn quit(count: u32) {
    REPORTER.quits.fetch_add(count, AcqRel);
    REPORTER.unpark();
}

/// For the watchdog: no lock, no allocation.
pub(crate) fn half_time(heartbeat: &'static Heartbeat) {
    REPORTER.half.store(std::ptr::from_ref(heartbeat).cast_mut(), Release);
    REPORTER.unpark();
}

/// For the watchdog: no lock, no allocation.
pub(super) fn frozen(ear: &'static Ear) {
    REPORTER.frozen.store(std::ptr::from_ref(ear).cast_mut(), Release);
    REPORTER.unpark();
}

/// For the watchdog: no lock, no allocation.
pub(super) fn wake_tasks() {
    REPORTER.wake.store(true, Release);
    REPORTER.unpark();
}

/// A hook will be late, most likely: what it does must be seen before it is aborted.
pub(crate) fn late_is_near() {
    REPORTER.late.ask();
    REPORTER.unpark();
}

/// Whether it was. What was prepared is said, or forgotten.
pub(crate) fn late_is_settled(was_late: bool) {
    REPORTER.late.settle(was_late);
}

/// Waits until a report for a late hook is out, or `end`: then the process may end.
pub(crate) fn flush(end: Instant) {
    while REPORTER.late.is_awaited() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// For code.
pub(super) fn text() -> String {
    start();
    let (sender, receiver) = channel();
    REPORTER.asked.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
    REPORTER.unpark();
    receiver
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| "no hang report: it cannot be made in time\n".to_owned())
}

impl Reporter {
    fn unpark(&self) {
        self.thread.get().into_iter().flatten().for_each(Thread::unpark);
    }

    fn run(&self) {
        loop {
            if !self.act() {
                std::thread::park();
            }
        }
    }

    /// Does one thing; false if there was none.
    fn act(&self) -> bool {
        if self.wake.swap(false, AcqRel) {
            wake_all();
        } else if let Some(step) = self.late.next() {
            self.late(step);
        } else if let Some(heartbeat) = take(&self.half) {
            stacks::write(&About::HalfTime(heartbeat), &mut Output::new());
        } else if let Some(ear) = take(&self.frozen) {
            stacks::write(&About::Frozen(ear), &mut Output::new());
        } else if self.quits.load(Acquire) > 0 {
            self.quits.fetch_sub(1, AcqRel);
            stacks::write(&About::Asked, &mut Output::new());
        } else {
            return self.answer();
        }
        true
    }

    fn answer(&self) -> bool {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner));
        if asked.is_empty() {
            return false;
        }
        let mut text = String::new();
        stacks::write(&About::Asked, &mut text);
        // Whoever asked may have given up.
        asked.into_iter().for_each(|asked| drop(asked.send(text.clone())));
        true
    }

    fn late(&self, step: u32) {
        let mut text = String::new();
        stacks::write(&About::Late, &mut text);
        while !self.late.is_settled(step) {
            std::thread::sleep(Duration::from_millis(1));
        }
        if self.late.was_late(step) {
            let _ = Output::new().write_str(&text);
        }
        self.late.done(step);
    }
}

fn take<T>(slot: &AtomicPtr<T>) -> Option<&'static T> {
    // SAFETY: null, or stored from a `&'static` by the functions above.
    unsafe { slot.swap(null_mut(), AcqRel).as_ref() }
}
