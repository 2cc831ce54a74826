//! One run of main: its cause to end, its token, its tracked tasks.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::bell::Bell;
use crate::cause::Cause;
use crate::listen::Ear;
use crate::place::Place;
use crate::report::{TaskReport, TaskResult};
use crate::unwind::Ended;

/// False from the first moment of a shutdown of the global manager; a static, so that `is_running` is one load.
pub(crate) static STOPPING: AtomicBool = AtomicBool::new(false);

/// Shared by the orchestrator, the thread that hosts the runtime and the tracked tasks.
pub(crate) struct Session {
    pub(crate) bell: Arc<Bell>,
    pub(crate) token: CancellationToken,
    /// Ends the runtime's thread once the last hook has ended.
    pub(crate) quit: CancellationToken,
    pub(crate) started: Instant,
    global: bool,
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
    tasks: BTreeMap<u64, Task>,
    next_task: u64,
    /// What went wrong after the first cause.
    failures: Vec<TaskReport>,
}

/// Main or a tracked task, while it lives.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) name: Arc<str>,
    pub(crate) place: Option<Place>,
    pub(crate) ear: &'static Ear,
    pub(crate) stop: Stop,
}

/// How a task is dropped.
#[derive(Clone)]
pub(crate) enum Stop {
    Abort(OnceLock<AbortHandle>),
    Cancel(CancellationToken),
    /// A thread cannot be dropped.
    Thread,
}

impl Stop {
    pub(crate) fn request(&self) {
        match self {
            Stop::Abort(handle) => handle.get().into_iter().for_each(AbortHandle::abort),
            Stop::Cancel(token) => token.cancel(),
            Stop::Thread => {}
        }
    }
}

impl Session {
    pub(crate) fn new(bell: Arc<Bell>, global: bool) -> Session {
        if global {
            STOPPING.store(false, Relaxed);
        }
        Session {
            bell,
            token: CancellationToken::new(),
            quit: CancellationToken::new(),
            started: Instant::now(),
            global,
            runtime: OnceLock::new(),
            stopping: AtomicBool::new(false),
            ready: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the run for `cause`, unless it is ending already.
    pub(crate) fn end(&self, cause: Cause) -> bool {
        {
            let mut state = self.state();
            if state.cause.is_some() {
                return false;
            }
            // Relaxed: a reader that sees it a moment late is a reader that asked a moment early.
            self.stopping.store(true, Relaxed);
            if self.global {
                STOPPING.store(true, Relaxed);
            }
            state.cause = Some((cause, Instant::now()));
        }
        // Outside the lock: waking runs code of whoever waits for the token.
        self.token.cancel();
        self.bell.ring();
        true
    }

    pub(crate) fn cause(&self) -> Option<(Cause, Instant)> {
        self.state().cause.clone()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    pub(crate) fn set_ready(&self) {
        if !self.ready.swap(true, Relaxed) {
            self.bell.ring();
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
        self.bell.ring();
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Acquire)
    }

    /// Makes a task known until its `Membership` is dropped.
    pub(crate) fn join(self: &Arc<Self>, name: &str, place: Option<Place>, stop: Stop) -> Membership {
        let ear = Ear::take(name);
        let mut state = self.state();
        let id = state.next_task;
        state.next_task += 1;
        state.tasks.insert(id, Task { name: name.into(), place, ear, stop });
        Membership { session: self.clone(), id, ear }
    }

    /// The handle is known only after the task was spawned; it may have ended by then.
    pub(crate) fn set_abort(&self, id: u64, handle: AbortHandle) {
        if let Some(Stop::Abort(cell)) = self.state().tasks.get(&id).map(|task| &task.stop) {
            let _ = cell.set(handle);
        }
    }

    /// Main and the tracked tasks that still live.
    pub(crate) fn tasks(&self) -> BTreeMap<u64, Task> {
        self.state().tasks.clone()
    }

    /// Whether somebody would be waited for: a task that listens.
    pub(crate) fn has_listeners(&self) -> bool {
        self.state().tasks.values().any(|task| task.ear.listens())
    }

    pub(crate) fn take_failures(&self) -> Vec<TaskReport> {
        std::mem::take(&mut self.state().failures)
    }

    /// A task failed: the run's cause to end, or, if it ends already, a line in its report.
    fn failed(&self, name: &str, place: Option<Place>, result: TaskResult, cause: Cause) {
        if !self.end(cause) {
            self.state().failures.push(TaskReport { name: name.to_owned(), place, result });
        }
    }
}

/// A task's place among the tracked ones; given up when the task ends, by whatever end.
pub(crate) struct Membership {
    session: Arc<Session>,
    id: u64,
    pub(crate) ear: &'static Ear,
}

impl Membership {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Main ended: that ends the run, well or not.
    pub(crate) fn main_ended(self, ended: Ended) {
        match ended {
            Ended::Well => drop(self.session.end(Cause::MainReturned)),
            Ended::Failed(error) => {
                self.session.failed(
                    "main",
                    None,
                    TaskResult::Failed(error.clone()),
                    Cause::MainFailed(error),
                );
            }
            Ended::Panicked(message) => {
                let result = TaskResult::Panicked(message.clone());
                self.session.failed("main", None, result, Cause::MainPanicked(message));
            }
        }
    }

    /// A tracked task ended: that is nobody's business if it ended well.
    pub(crate) fn task_ended(self, name: &str, place: Place, ended: Ended) {
        let task = name.to_owned();
        match ended {
            Ended::Well => {}
            Ended::Failed(error) => {
                let cause = Cause::TaskFailed { task, error: error.clone() };
                self.session.failed(name, Some(place), TaskResult::Failed(error), cause);
            }
            Ended::Panicked(message) => {
                let cause = Cause::TaskPanicked { task, message: message.clone() };
                self.session.failed(name, Some(place), TaskResult::Panicked(message), cause);
            }
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.session.state().tasks.remove(&self.id);
        self.ear.give_back();
        if self.session.is_stopping() {
            self.session.bell.ring();
        }
    }
}
