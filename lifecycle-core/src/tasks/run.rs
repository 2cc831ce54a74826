//! One run of main: its cause to end, its token, its tracked tasks.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::catch_panic::{Ended, quietly};
use super::generation;
use super::stop::Stop;
use super::tracked::TrackedTask;
use crate::model::cause::Cause;
use crate::model::failure::{self, Meaning};
use crate::model::outcome::Failed;
use crate::model::place::Place;
use crate::model::report::{TaskReport, TaskResult};
use crate::os::lock::lock;
use crate::os::wakeup::Wakeup;

/// Shared by the orchestrator, the thread that hosts the runtime and the tracked tasks.
pub(crate) struct Run {
    pub(crate) wakeup: Arc<Wakeup>,
    pub(crate) token: CancellationToken,
    /// Ends the runtime's thread once the last hook has ended.
    pub(crate) quit: CancellationToken,
    pub(crate) started: Instant,
    /// Its number, if it is a run of the process's main; a manager that a test built has none.
    generation: Option<u32>,
    runtime: OnceLock<Handle>,
    stopping: AtomicBool,
    ready: AtomicBool,
    gone: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The first one wins; with its moment, from which the budget of the shutdown counts.
    cause: Option<(Cause, Instant)>,
    /// What the failures that were alive then ask for.
    meaning: Option<Meaning>,
    tasks: BTreeMap<u64, Task>,
    next_task: u64,
    /// How many of them are being dropped.
    dropping: usize,
    /// What went wrong after the first cause.
    failures: Vec<TaskReport>,
}

/// Main or a tracked task, while it lives.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) name: Arc<str>,
    pub(crate) place: Option<Place>,
    pub(crate) slot: &'static TrackedTask,
    pub(crate) stop: Stop,
    is_dropping: bool,
}

impl Run {
    pub(crate) fn new(wakeup: Arc<Wakeup>, generation: Option<u32>) -> Run {
        Run {
            wakeup,
            token: CancellationToken::new(),
            quit: CancellationToken::new(),
            started: Instant::now(),
            generation,
            runtime: OnceLock::new(),
            stopping: AtomicBool::new(false),
            ready: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Its number, if it is a run of the process's main.
    pub(crate) fn generation(&self) -> Option<u32> {
        self.generation
    }

    /// The calling thread hosts this run; from here on it is the one that goes on, unless it was ended before.
    pub(crate) fn begin(&self) {
        if let Some(generation) = self.generation {
            let state = self.state();
            generation::begin(generation);
            if state.cause.is_some() {
                generation::stop();
            }
        }
    }

    /// Ends the run for `cause`, unless it is ending already.
    pub(crate) fn end(&self, cause: Cause) -> bool {
        let ended = self.set_cause(&mut self.state(), cause, None);
        if ended {
            self.tell_the_end();
        }
        ended
    }

    /// `meaning`: of failures that were alive when the user's code ended; they may be dropped by now.
    fn set_cause(&self, state: &mut State, cause: Cause, meaning: Option<Meaning>) -> bool {
        if state.cause.is_some() {
            return false;
        }
        // Relaxed: a reader that sees it a moment late is a reader that asked a moment early.
        self.stopping.store(true, Relaxed);
        if self.generation.is_some() {
            generation::stop();
        }
        state.meaning = meaning.max(failure::alive()).filter(|_| cause.is_failure());
        state.cause = Some((cause, Instant::now()));
        true
    }

    /// Outside the lock: waking runs the code that waits for the token, and that may panic.
    fn tell_the_end(&self) {
        self.wakeup.notify();
        quietly(|| self.token.cancel());
    }

    pub(crate) fn cause(&self) -> Option<(Cause, Instant)> {
        self.state().cause.clone()
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

    /// The runtime is gone and all its tasks with it.
    pub(crate) fn set_gone(&self) {
        self.gone.store(true, Release);
        self.wakeup.notify();
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Acquire)
    }

    /// Makes a task known until its `Membership` is dropped.
    pub(crate) fn join(self: &Arc<Self>, name: &str, place: Option<Place>, stop: Stop) -> Membership {
        let slot = TrackedTask::acquire(name);
        let mut state = self.state();
        let id = state.next_task;
        state.next_task += 1;
        state.tasks.insert(id, Task { name: name.into(), place, slot, stop, is_dropping: false });
        Membership { run: self.clone(), id, slot }
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

    /// Whether somebody would be waited for: a task that observes the shutdown.
    pub(crate) fn has_observers(&self) -> bool {
        self.state().tasks.values().any(|task| task.slot.observed_shutdown())
    }

    pub(crate) fn take_failures(&self) -> Vec<TaskReport> {
        std::mem::take(&mut self.state().failures)
    }
}

/// A task's place among the tracked ones; given up when the task ends, by whatever end.
pub(crate) struct Membership {
    run: Arc<Run>,
    id: u64,
    pub(crate) slot: &'static TrackedTask,
}

impl Membership {
    /// Main ended: that ends the run, well or not.
    pub(crate) fn main_ended(self, ended: Ended) {
        self.leave(Some(match ended {
            Ended::Well => (Cause::MainReturned, None, None),
            Ended::Failed(Failed { text, meaning }) => {
                (Cause::MainFailed(text.clone()), Some(TaskResult::Failed(text)), meaning)
            }
            Ended::Panicked(message) => {
                (Cause::MainPanicked(message.clone()), Some(TaskResult::Panicked(message)), None)
            }
        }));
    }

    /// A tracked task ended: nothing follows if it ended well.
    pub(crate) fn task_ended(self, name: &str, ended: Ended) {
        let task = name.to_owned();
        match ended {
            Ended::Well => {}
            Ended::Failed(Failed { text, meaning }) => {
                let cause = Cause::TaskFailed { task, error: text.clone() };
                self.leave(Some((cause, Some(TaskResult::Failed(text)), meaning)));
            }
            Ended::Panicked(message) => {
                let cause = Cause::TaskPanicked { task, message: message.clone() };
                self.leave(Some((cause, Some(TaskResult::Panicked(message)), None)));
            }
        }
    }

    /// In one step with what its end means for the run: whoever looks finds it live in a run that goes on, or gone and the
    /// cause there. If the run ends already, a failure is a row of its report.
    fn leave(&self, end: Option<(Cause, Option<TaskResult>, Option<Meaning>)>) {
        let mut state = self.run.state();
        let Some(task) = state.tasks.remove(&self.id) else { return };
        // The shutdown waits for the last task that is dropped, or for one that observes it.
        let is_awaited = if task.is_dropping {
            state.dropping = state.dropping.saturating_sub(1);
            state.dropping == 0
        } else {
            self.run.is_stopping() && task.slot.observed_shutdown()
        };
        let mut is_end = false;
        if let Some((cause, result, meaning)) = end {
            is_end = self.run.set_cause(&mut state, cause, meaning);
            let row =
                |result| TaskReport { name: task.name.to_string(), place: task.place, result, count: 1 };
            state.failures.extend(result.filter(|_| !is_end).map(row));
        }
        drop(state);
        if is_end {
            self.run.tell_the_end();
        }
        self.slot.release();
        if is_awaited {
            self.run.wakeup.notify();
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave(None);
    }
}
