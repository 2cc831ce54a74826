//! The thread that makes every report but the fatal one, and does what the fatal one must not: it may block for ever.

use std::fmt::Write;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::output::Output;
use super::{About, stacks};
use crate::heartbeat::Heartbeat;
use crate::listen::Ear;

/// How long whoever asks from code waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a prepared report waits to hear whether the hook was late in the end.
const SETTLING: Duration = Duration::from_secs(2);

/// Of `Reporter::late`.
const NEAR: u32 = 1;
const LATE: u32 = 2;
const IN_TIME: u32 = 0;

/// What it is asked for. Atomics: a signal handler's thread and the watchdog ask without a lock.
struct Reporter {
    thread: OnceLock<Option<Thread>>,
    quits: AtomicU32,
    wake: AtomicBool,
    half: AtomicPtr<Heartbeat>,
    frozen: AtomicPtr<Ear>,
    late: AtomicU32,
    asked: Mutex<Vec<Sender<String>>>,
}

static REPORTER: Reporter = Reporter {
    thread: OnceLock::new(),
    quits: AtomicU32::new(0),
    wake: AtomicBool::new(false),
    half: AtomicPtr::new(null_mut()),
    frozen: AtomicPtr::new(null_mut()),
    late: AtomicU32::new(IN_TIME),
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
    REPORTER.late.store(NEAR, Release);
    REPORTER.unpark();
}

/// Whether it was. What was prepared is said, or forgotten.
pub(crate) fn late_is_settled(was_late: bool) {
    let settled = if was_late { LATE } else { IN_TIME };
    let _ = REPORTER.late.compare_exchange(NEAR, settled, AcqRel, Relaxed);
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
            stacks::wake_all();
        } else if self.late.load(Acquire) == NEAR {
            self.late();
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

    fn late(&self) {
        let mut text = String::new();
        stacks::write(&About::Late, &mut text);
        let end = Instant::now() + SETTLING;
        while self.late.load(Acquire) == NEAR && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        if self.late.swap(IN_TIME, AcqRel) == LATE {
            let _ = Output::new().write_str(&text);
        }
    }
}

fn take<T>(slot: &AtomicPtr<T>) -> Option<&'static T> {
    // SAFETY: null, or stored from a `&'static` by the functions above.
    unsafe { slot.swap(null_mut(), AcqRel).as_ref() }
}
