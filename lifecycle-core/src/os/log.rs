//! What the framework says: through `tracing` where a subscriber is set, else to stderr, from a thread of its own.
//!
//! A subscriber may block for ever, on a lock of its own or a full pipe, and its layers may panic. Only this thread ever
//! calls it. A caller waits a moment for its own line, so that lines of ours and of the service keep their order; once
//! one waited in vain, no caller waits until the thread gets on. `wake` may be called while the process is broken.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

pub(crate) use crate::model::event::Level;
use crate::model::event::{Event, Fields};
use crate::os::lock::lock;
use crate::os::text::prefix;
use crate::os::{journal, stderr, thread};

/// What is to be written.
enum Line {
    Record(Box<Event>),
    /// A table for stderr; for a subscriber, an event for each row.
    Table(Level, String, Vec<Event>),
    /// For stderr alone, as it is.
    Raw(String),
    /// What stderr did not take at once.
    Rest(Vec<u8>),
}

/// A record from a thread that may neither lock nor allocate: its owner keeps the facts, and formats them here.
pub(crate) struct Urgent {
    pub(crate) event: Event,
    /// stderr has it already.
    pub(crate) on_stderr: bool,
    /// Called once `tracing` has it.
    pub(crate) done: fn(),
}

/// How long a caller waits for its own line.
const CALLER_TIMEOUT: Duration = Duration::from_millis(100);

/// Bytes of one record; the rest is cut, so that no error text can hold up a shutdown.
const LONGEST: usize = 64 << 10;

struct LogThread {
    queue: Mutex<Queue>,
    written: Condvar,
    thread: OnceLock<Thread>,
    /// A caller waited in vain: nobody waits again until the thread gets on.
    stuck: AtomicBool,
}

struct Queue {
    lines: VecDeque<Line>,
    taken: u64,
    done: u64,
}

/// Process-wide, as the default subscriber of `tracing` is.
static LOG_THREAD: LogThread = LogThread {
    queue: Mutex::new(Queue { lines: VecDeque::new(), taken: 0, done: 0 }),
    written: Condvar::new(),
    thread: OnceLock::new(),
    stuck: AtomicBool::new(false),
};

/// Starts the thread, which asks `urgent` before each line. Before that lines are written by the caller.
pub(crate) fn start(urgent: fn() -> Option<Urgent>) {
    if let Ok(thread) = thread::spawn("lifecycle-log", None, move || LOG_THREAD.run(urgent)) {
        let _ = LOG_THREAD.thread.set(thread);
    }
}

pub(crate) fn info(text: impl Into<String>) {
    say(Level::Info, text);
}

pub(crate) fn warn(text: impl Into<String>) {
    say(Level::Warn, text);
}

pub(crate) fn say(level: Level, text: impl Into<String>) {
    LOG_THREAD.say(record(Event::new(level, text)));
}

/// As [`say`], where a hand-over to the thread and back would delay a stop.
pub(crate) fn say_later(level: Level, text: impl Into<String>) {
    record_later(Event::new(level, text));
}

/// As [`say_later`], with fields.
pub(crate) fn record_later(event: Event) {
    LOG_THREAD.say_later(record(event));
}

/// As [`say_later`], for a table: `text` and `events` are called only where they may be shown.
pub(crate) fn table_later(level: Level, text: impl FnOnce() -> String, events: impl FnOnce() -> Vec<Event>) {
    let may_be_subscribed = tracing::dispatcher::has_been_set();
    if may_be_subscribed || level != Level::Info {
        let events = may_be_subscribed.then(events).into_iter().flatten().map(bounded).collect();
        LOG_THREAD.say_later(Line::Table(level, cut(text()), events));
    }
}

fn record(event: Event) -> Line {
    Line::Record(Box::new(bounded(event)))
}

fn bounded(mut event: Event) -> Event {
    event.fields.error = event.fields.error.map(cut);
    Event { text: cut(event.text), ..event }
}

/// A text for stderr, whether or not somebody subscribed. Not waited for.
pub(crate) fn raw_later(text: impl Into<String>) {
    LOG_THREAD.say_later(Line::Raw(cut(text.into())));
}

/// Waits until everything was written, or `deadline`: then what is left goes straight to stderr, in 100 ms at most.
pub(crate) fn flush(deadline: Instant) {
    LOG_THREAD.flush(deadline);
}

/// Has the thread ask for what is urgent. On Linux one atomic swap and one futex call.
pub(crate) fn wake() {
    LOG_THREAD.thread.get().into_iter().for_each(Thread::unpark);
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let bytes = text.len();
        text.truncate(prefix(&text, LONGEST).len());
        text.push_str(&format!("… ({bytes} bytes in all)"));
    }
    text
}

impl LogThread {
    /// The queue with the line in it, and the line's number; `None` if it was written right here.
    fn push(&self, line: Line) -> Option<(MutexGuard<'_, Queue>, u64)> {
        if self.thread.get().is_none() {
            line.emit();
            return None;
        }
        let mut queue = lock(&self.queue);
        // Where nobody ever subscribed there is no code of theirs to call, and stderr most likely takes the line at once.
        if !tracing::dispatcher::has_been_set() && queue.done == queue.taken && queue.lines.is_empty() {
            let text = line.for_stderr();
            let written = stderr::write_now(text.as_bytes());
            if written == text.len() {
                return None;
            }
            queue.lines.push_back(Line::Rest(text.into_bytes().split_off(written)));
            wake();
            return None;
        }
        queue.lines.push_back(line);
        let number = queue.taken + queue.lines.len() as u64;
        wake();
        Some((queue, number))
    }

    fn say_later(&self, line: Line) {
        drop(self.push(line));
    }

    fn say(&self, line: Line) {
        let Some((queue, number)) = self.push(line) else { return };
        if self.stuck.load(Relaxed) {
            return;
        }
        let written = self.written.wait_timeout_while(queue, CALLER_TIMEOUT, |queue| queue.done < number);
        let (queue, timeout) = written.unwrap_or_else(PoisonError::into_inner);
        drop(queue);
        self.stuck.fetch_or(timeout.timed_out(), AcqRel);
    }

    fn flush(&self, deadline: Instant) {
        if self.thread.get().is_none() {
            return;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let queue = lock(&self.queue);
        let number = queue.taken + queue.lines.len() as u64;
        let written = self.written.wait_timeout_while(queue, left, |queue| queue.done < number);
        let (mut queue, _) = written.unwrap_or_else(PoisonError::into_inner);
        let end = Instant::now() + Duration::from_millis(100);
        queue.lines.drain(..).for_each(|line| line.to_stderr(end));
    }

    fn run(&self, urgent: fn() -> Option<Urgent>) {
        loop {
            while let Some(urgent) = urgent() {
                urgent.emit();
            }
            let line = {
                let mut queue = lock(&self.queue);
                let line = queue.lines.pop_front();
                queue.taken += u64::from(line.is_some());
                line
            };
            match line {
                Some(line) => {
                    line.emit();
                    lock(&self.queue).done += 1;
                    self.stuck.store(false, Relaxed);
                    self.written.notify_all();
                }
                None => std::thread::park(),
            }
        }
    }
}

impl Line {
    fn emit(&self) {
        match self {
            Line::Record(event) if trace(event) => {}
            Line::Table(_, _, events) if !events.is_empty() && events.iter().all(trace) => {}
            _ => self.to_stderr(far()),
        }
    }

    fn to_stderr(&self, end: Instant) {
        match self {
            Line::Rest(bytes) => stderr::write_until(2, bytes, end),
            _ => stderr::write_until(2, self.for_stderr().as_bytes(), end),
        }
    }

    fn for_stderr(&self) -> String {
        match self {
            Line::Record(event) => record_for_stderr(event.level, &event.text),
            Line::Table(level, text, _) => record_for_stderr(*level, text),
            Line::Raw(text) => text.clone(),
            Line::Rest(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

impl Urgent {
    fn emit(&self) {
        if !trace(&self.event) && !self.on_stderr {
            let text = record_for_stderr(self.event.level, &self.event.text);
            stderr::write_until(2, text.as_bytes(), far());
        }
        (self.done)();
    }
}

/// A callsite's level is fixed, so there is one for each.
macro_rules! emit {
    ($level:expr, $event:expr) => {{
        let Event { text, fields, .. } = $event;
        let Fields { cause, exit_code, took_ms, age_ms, hook, phase, order, .. } = fields;
        let Fields { task, heartbeat, suspect, result, error, place, .. } = fields;
        let [cause, task, suspect, error] = [cause, task, suspect, error].map(Option::as_deref);
        let place = place.map(tracing::field::display);
        tracing::event!(
            target: "lifecycle", $level, cause, exit_code, took_ms, age_ms, hook, phase, order, task, heartbeat,
            suspect, result, error, place, "{text}"
        )
    }};
}

/// Hands a record to the subscriber; false if there is none, or if it panicked: then the record is not lost.
fn trace(event: &Event) -> bool {
    // Not `has_been_set`: a scoped subscriber on another thread sets it, too.
    if tracing::dispatcher::get_default(Dispatch::is::<NoSubscriber>) {
        return false;
    }
    catch_unwind(AssertUnwindSafe(|| match event.level {
        Level::Info | Level::Notice => emit!(tracing::Level::INFO, event),
        Level::Warn => emit!(tracing::Level::WARN, event),
        Level::Error => emit!(tracing::Level::ERROR, event),
    }))
    .is_ok()
}

/// Nothing for what is below a notice.
fn record_for_stderr(level: Level, text: &str) -> String {
    let (word, priority) = match level {
        Level::Info => return String::new(),
        Level::Notice => ("INFO", "<6>"),
        Level::Warn => ("WARN", "<4>"),
        Level::Error => ("ERROR", "<3>"),
    };
    journal::with_level(priority, format!("{word} lifecycle: {text}\n"))
}

/// Then a reader is waited for as long as it reads at all.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}
