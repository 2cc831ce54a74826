//! One run of main: its cause to end, its token, its tracked tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::catch_panic::quietly;
use super::generation;
use super::stop::Stop;
use super::tracked::TrackedTask;
use super::work::Work;
use crate::model::cause::Cause;
use crate::model::failure::{self, Meaning};
use crate::model::place::Place;
use crate::model::report::TaskReport;
use crate::os::clock::Clock;
use crate::os::lock::lock;
use crate::os::wakeup::Wakeup;

/// Shared by the orchestrator, the thread that hosts the runtime and the tracked tasks.
pub(crate) struct Run {
    pub(crate) wakeup: Arc<Wakeup>,
    pub(crate) token: CancellationToken,
    /// What is under way is cut off: the drain is over.
    pub(crate) cut: CancellationToken,
    /// Ends the runtime's thread once the last hook has ended.
    pub(crate) quit: CancellationToken,
    pub(crate) clock: Clock,
    pub(crate) started: Instant,
    /// Its number, if it is a run of the process's main; a manager that a test built has none.
    generation: Option<u32>,
    /// When main began.
    begun: OnceLock<Instant>,
    runtime: OnceLock<Handle>,
    stopping: AtomicBool,
    ready: AtomicBool,
    gone: AtomicBool,
    has_threads_left: AtomicBool,
    state: Mutex<State>,
}

/// The name of main among the tasks.
pub(crate) const MAIN: &str = "main";

#[derive(Default)]
pub(super) struct State {
    /// The first one wins; with its moment, from which the budget of the shutdown counts.
    pub(super) cause: Option<(Cause, Instant)>,
    /// What the failures that were alive then ask for.
    pub(super) meaning: Option<Meaning>,
    pub(super) tasks: BTreeMap<u64, Task>,
    pub(super) next_task: u64,
    /// How many of them are being dropped.
    pub(super) dropping: usize,
    /// What went wrong after the first cause.
    pub(super) failures: Vec<TaskReport>,
    /// What is under way besides tasks, by its number.
    pub(super) work: BTreeMap<u64, Work>,
    /// What was cut, and ends by itself at once.
    pub(super) ending: BTreeSet<u64>,
    /// Tasks that were in a poll when main ended, by their number: main may have ended because one of them fails.
    pub(super) polled_at_end_of_main: BTreeMap<u64, u64>,
    /// How often a task was restarted by its own rule, by its name.
    restarts: BTreeMap<&'static str, u32>,
}

/// Main or a tracked task, while it lives.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) name: Arc<str>,
    pub(crate) place: Option<Place>,
    pub(crate) slot: &'static TrackedTask,
    pub(crate) stop: Stop,
    pub(super) is_dropping: bool,
}

impl Run {
    pub(crate) fn new(wakeup: Arc<Wakeup>, generation: Option<u32>, clock: Clock) -> Run {
        Run {
            wakeup,
            clock,
            token: CancellationToken::new(),
            cut: CancellationToken::new(),
            quit: CancellationToken::new(),
            started: clock.now(),
            generation,
            begun: OnceLock::new(),
            runtime: OnceLock::new(),
            stopping: AtomicBool::new(false),
            ready: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            has_threads_left: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Its number, if it is a run of the process's main.
    pub(crate) fn generation(&self) -> Option<u32> {
        self.generation
    }

    /// The calling thread hosts this run; from here on it is the one that goes on, unless it was ended before.
    pub(crate) fn begin(&self) {
        self.begun.get_or_init(Instant::now);
        if let Some(generation) = self.generation {
            let state = self.state();
            generation::begin(generation);
            if state.cause.is_some() {
                generation::stop(generation);
            }
        }
    }

    /// How long main has run.
    pub(crate) fn main_has_run_for(&self) -> Duration {
        self.begun.get().map(Instant::elapsed).unwrap_or_default()
    }

    /// Ends the run for `cause`, unless it is ending already.
    pub(crate) fn end(&self, cause: Cause) -> bool {
        let ended = self.announce_end(cause);
        if ended {
            self.stop();
        }
        ended
    }

    /// From now on it is known why it will end; it goes on until `stop`.
    pub(crate) fn announce_end(&self, cause: Cause) -> bool {
        self.set_cause(&mut self.state(), cause, None)
    }

    /// `meaning`: of failures that were alive when the user's code ended; they may be dropped by now.
    pub(super) fn set_cause(&self, state: &mut State, cause: Cause, meaning: Option<Meaning>) -> bool {
        if state.cause.is_some() {
            return false;
        }
        // What it holds already is of main's end, if that was not the cause after all.
        state.meaning = state.meaning.max(meaning).max(failure::alive()).filter(|_| cause.is_failure());
        state.cause = Some((cause, self.clock.now()));
        true
    }

    /// Whoever asks is told so from now on.
    pub(crate) fn stop(&self) {
        // Relaxed: a reader that sees it a moment late is a reader that asked a moment early.
        self.stopping.store(true, Relaxed);
        self.generation.into_iter().for_each(generation::stop);
        self.wakeup.notify();
        // Outside the lock: waking runs the code that waits for the token, and that may panic.
        quietly(|| self.token.cancel());
    }

    pub(crate) fn cause(&self) -> Option<(Cause, Instant)> {
        self.state().cause.clone()
    }

    /// Whether main is still there.
    pub(crate) fn has_main(&self) -> bool {
        self.state().tasks.values().any(|task| &*task.name == MAIN)
    }

    /// Main observes the shutdown.
    pub(crate) fn observe_by_main(&self) {
        self.state().tasks.values().filter(|task| &*task.name == MAIN).for_each(|task| task.slot.observe());
    }

    /// What the failures that were alive when the run failed ask for.
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        self.state().meaning
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    pub(crate) fn set_ready(&self) {
        if !self.ready.swap(true, Relaxed) {
            self.wakeup.notify();
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Relaxed)
    }

    pub(crate) fn set_runtime(&self, handle: Handle) {
        // Set once: by the thread that hosts the runtime, or by the first `stop` of a manager without one.
        let _ = self.runtime.set(handle);
    }

    pub(crate) fn runtime(&self) -> Option<&Handle> {
        self.runtime.get()
    }

    /// The runtime is gone and all its tasks with it, but maybe not all threads of its blocking pool.
    pub(crate) fn set_gone(&self, has_threads_left: bool) {
        self.has_threads_left.store(has_threads_left, Relaxed);
        self.gone.store(true, Release);
        self.wakeup.notify();
    }

    /// Once it is gone.
    pub(crate) fn has_threads_left(&self) -> bool {
        self.has_threads_left.load(Relaxed)
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Acquire)
    }

    /// Main and the tracked tasks that still live, by their number.
    pub(crate) fn tasks(&self) -> BTreeMap<u64, Task> {
        self.state().tasks.clone()
    }

    /// Has the tasks that `which` picks dropped, but for threads, which cannot be. Returns them.
    pub(crate) fn begin_drop(&self, which: impl Fn(u64, &Task) -> bool) -> Vec<(u64, Task)> {
        let mut state = self.state();
        let picked = state.tasks.iter_mut().filter(|(id, task)| which(**id, task));
        let picked: Vec<(u64, Task)> = picked
            .map(|(id, task)| {
                task.is_dropping = !matches!(task.stop, Stop::Thread);
                (*id, task.clone())
            })
            .collect();
        state.dropping = picked.iter().filter(|(_, task)| task.is_dropping).count();
        drop(state);
        // Outside the lock: a task that is dropped right here takes it.
        picked.iter().for_each(|(_, task)| task.stop.request());
        picked
    }

    /// How many of the tasks that are being dropped are not gone.
    pub(crate) fn dropping(&self) -> usize {
        self.state().dropping
    }

    /// Those that are not gone are not waited for any more.
    pub(crate) fn end_drop(&self) {
        let mut state = self.state();
        state.dropping = 0;
        state.tasks.values_mut().for_each(|task| task.is_dropping = false);
    }

    /// Whether a drain would wait: for work that is under way, or for a task that observes the shutdown.
    pub(crate) fn is_drain_awaited(&self) -> bool {
        let state = self.state();
        !state.work.is_empty() || state.tasks.values().any(|task| task.slot.observed_shutdown())
    }

    /// Whether one that can be dropped was never polled.
    pub(crate) fn has_unpolled_tasks(&self) -> bool {
        let is_unpolled = |task: &Task| matches!(task.stop, Stop::Abort(_)) && task.slot.polls() == 0;
        self.state().tasks.values().any(is_unpolled)
    }

    pub(crate) fn count_restart(&self, task: &'static str) {
        *self.state().restarts.entry(task).or_default() += 1;
    }

    /// By name.
    pub(crate) fn restarts(&self) -> BTreeMap<&'static str, u32> {
        self.state().restarts.clone()
    }

    pub(crate) fn take_failures(&self) -> Vec<TaskReport> {
        std::mem::take(&mut self.state().failures)
    }
}
