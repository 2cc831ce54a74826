//! One step at work: its hooks, claimed by drivers on the runtime, watched from outside.

use std::future::poll_fn;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::task::coop::unconstrained;

use crate::bell::Bell;
use crate::component::{Call, HookFuture, Instance};
use crate::registry::{Declared, Step};
use crate::report::{HookReport, HookResult};
use crate::unwind::{Caught, Ended, call};

/// The hooks of a step that is being run.
pub(crate) struct Work {
    bell: Arc<Bell>,
    jobs: Vec<Slot>,
    /// The next job to claim: each is claimed once, so each hook is called at most once.
    next: AtomicUsize,
    /// Jobs that have not ended.
    left: AtomicUsize,
}

struct Slot {
    declared: &'static Declared,
    state: Mutex<State>,
}

enum State {
    Waiting(Option<Instance>),
    Running { since: Instant, abort: Option<AbortHandle> },
    Ended(HookReport),
}

impl Work {
    pub(crate) fn new(step: Step, bell: Arc<Bell>) -> Work {
        let jobs: Vec<Slot> = step
            .jobs
            .into_iter()
            .map(|job| Slot { declared: job.declared, state: Mutex::new(State::Waiting(job.instance)) })
            .collect();
        Work { bell, next: AtomicUsize::new(0), left: AtomicUsize::new(jobs.len()), jobs }
    }

    pub(crate) fn is_done(&self) -> bool {
        // Acquire: pairs with the AcqRel of `end`, so that every report is visible.
        self.left.load(Acquire) == 0
    }

    /// How many jobs drivers have claimed.
    pub(crate) fn claimed(&self) -> usize {
        self.next.load(Relaxed).min(self.jobs.len())
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// The hooks that were called and have not ended; waits for no lock.
    pub(crate) fn running(&self) -> impl Iterator<Item = &'static Declared> {
        self.jobs.iter().filter_map(|slot| {
            let state = slot.state.try_lock().ok()?;
            matches!(*state, State::Running { .. }).then_some(slot.declared)
        })
    }

    /// Ends what has not ended as late, and aborts it.
    pub(crate) fn expire(&self, runtime: &Handle) {
        self.next.store(self.jobs.len(), Relaxed);
        for (index, slot) in self.jobs.iter().enumerate() {
            let (abort, instance) = match &mut *slot.lock() {
                State::Running { abort, .. } => (abort.take(), None),
                State::Waiting(instance) => (None, instance.take()),
                State::Ended(_) => continue,
            };
            self.end(index, HookResult::Late);
            abort.inspect(AbortHandle::abort);
            // The last reference may run a destructor of the user's: never on the thread that guards deadlines.
            drop(runtime.spawn_blocking(move || drop(instance)));
        }
    }

    /// What became of each hook, in the order of the plan.
    pub(crate) fn reports(&self) -> Vec<HookReport> {
        self.jobs
            .iter()
            .filter_map(|slot| match &*slot.lock() {
                State::Ended(report) => Some(report.clone()),
                _ => None,
            })
            .collect()
    }

    fn claim(&self) -> Option<(usize, Option<Instance>)> {
        loop {
            let index = self.next.fetch_add(1, Relaxed);
            let mut state = self.jobs.get(index)?.lock();
            if let State::Waiting(instance) = &mut *state {
                let instance = instance.take();
                *state = State::Running { since: Instant::now(), abort: None };
                return Some((index, instance));
            }
        }
    }

    /// The first end counts: a hook that ends after it was late stays late.
    fn end(&self, index: usize, result: HookResult) {
        let slot = &self.jobs[index];
        let mut state = slot.lock();
        let took = match &*state {
            State::Waiting(_) => std::time::Duration::ZERO,
            State::Running { since, .. } => since.elapsed(),
            State::Ended(_) => return,
        };
        let Declared { name, phase, order, place, .. } = slot.declared;
        let report =
            HookReport { phase: *phase, order: *order, name: name.clone(), place: *place, result, took };
        *state = State::Ended(report);
        drop(state);
        if self.left.fetch_sub(1, AcqRel) == 1 {
            self.bell.ring();
        }
    }

    fn ended(&self, index: usize, ended: Ended) {
        self.end(
            index,
            match ended {
                Ended::Well => HookResult::Done,
                Ended::Failed(error) => HookResult::Failed(error),
                Ended::Panicked(message) => HookResult::Panicked(message),
            },
        );
    }

    /// Known only after the task was spawned: the hook may be late or done by then.
    fn set_abort(&self, index: usize, handle: AbortHandle) {
        match &mut *self.jobs[index].lock() {
            State::Running { abort, .. } => *abort = Some(handle),
            _ => handle.abort(),
        }
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts one more driver. One does it all, unless a hook blocks its thread: then the next goes on with the rest.
pub(crate) fn add_driver(work: &Arc<Work>, runtime: &Handle) {
    let driver = drive(work.clone());
    // Unconstrained: tokio's budget is a task's, and would make the 129th hook of one driver look pending.
    drop(runtime.spawn(unconstrained(driver)));
}

async fn drive(work: Arc<Work>) {
    while let Some((index, instance)) = work.claim() {
        match &work.jobs[index].declared.hook.call {
            Call::Blocking(hook) => {
                let work = work.clone();
                drop(tokio::task::spawn_blocking(move || {
                    let ended = call(|| hook(instance));
                    work.ended(index, ended);
                }));
            }
            Call::Async(hook) => poll_or_spawn(&work, index, Caught::new(|| hook(instance))).await,
        }
    }
}

/// A hook that is ready at its first poll costs no task, a pending one costs one.
async fn poll_or_spawn(work: &Arc<Work>, index: usize, future: Result<Caught<HookFuture>, Ended>) {
    let mut future = match future {
        Ok(future) => future,
        Err(ended) => return work.ended(index, ended),
    };
    // The waker of this poll is the driver's; the task below polls again with its own.
    let first = poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut future).poll(context))).await;
    match first {
        Poll::Ready(ended) => work.ended(index, ended),
        Poll::Pending => {
            let task = tokio::spawn({
                let work = work.clone();
                async move {
                    let ended = future.await;
                    work.ended(index, ended);
                }
            });
            work.set_abort(index, task.abort_handle());
        }
    }
}
