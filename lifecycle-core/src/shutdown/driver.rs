//! Who calls the hooks of a step and polls them, on the service's own runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::coop::unconstrained;

use super::step::{Running, StepRun};
use crate::components::declaration::{Call, HookFuture, Instance, future};
use crate::tasks::catch_panic::{Caught, Ended, call, quietly};
use crate::tasks::stop::{Abort, Stop};
use crate::tasks::tracked_future::TrackedFuture;

/// Hands each hook that blocks a thread to the runtime's blocking pool. Which one a thread of the pool takes is decided
/// when it begins: what waits behind a full pool can still be taken by others, and by nobody once the step is over.
pub(super) fn spawn_blocking(step: &Arc<StepRun>, runtime: &Handle) {
    for _ in 0..step.blocking.queue.len() {
        let step = step.clone();
        // tokio panics if the system gives it no thread.
        quietly(|| drop(runtime.spawn_blocking(move || call_blocking(&step))));
    }
}

/// Calls the next hook that blocks a thread on this one; false if there is none.
pub(super) fn call_blocking(step: &StepRun) -> bool {
    let jobs = &step.blocking;
    let Some((index, instance)) = jobs.queue.claim(|| Running::since(step.clock.now())) else { return false };
    let _task = jobs.track(index).on_this_thread();
    if let Call::Blocking(hook) = &jobs.hook(index).hook.call {
        step.ended(jobs, index, call(move || hook(&instance)));
    }
    true
}

/// Starts one more driver. One does it all, unless a hook blocks its thread: then the next goes on with the rest.
pub(super) fn add_driver(step: &Arc<StepRun>, runtime: &Handle) {
    let driver = drive(step.clone());
    // Unconstrained: tokio's budget is a task's, and would make the 129th hook of one driver look pending.
    quietly(|| drop(runtime.spawn(unconstrained(driver))));
}

/// Calls every `async` hook and polls it once; those that are pending once more, after the others had their turn; only
/// what is pending even then costs a task. Most hooks that wait at all wait for a yield, or for a lock that is free by then.
async fn drive(step: Arc<StepRun>) {
    let jobs = &step.asynchronous;
    // The end of one is the begin of the next: reading the clock costs as much as calling a hook.
    let mut now = step.clock.now();
    while let Some((index, instance)) = jobs.queue.claim(|| Running::since(now)) {
        let _task = jobs.track(index).on_this_thread();
        now = first_poll(&step, index, make(&step, index, instance));
    }
    // What the first polls woke runs first.
    tokio::task::yield_now().await;
    while let Some(index) = jobs.queue.claim_second_round() {
        second_poll(&step, index);
    }
}

/// The future of an `async` hook.
pub(super) fn make(
    step: &StepRun,
    index: usize,
    instance: Option<Instance>,
) -> Result<Caught<HookFuture>, Ended> {
    match &step.asynchronous.hook(index).hook.call {
        Call::Async(hook) => Caught::new(|| future(*hook, instance)),
        Call::Blocking(_) => Err(Ended::Well),
    }
}

/// Returns when.
fn first_poll(step: &Arc<StepRun>, index: usize, future: Result<Caught<HookFuture>, Ended>) -> Instant {
    let jobs = &step.asynchronous;
    match future.map(poll_now) {
        Err(ended) | Ok(Ok(ended)) => step.ended(jobs, index, ended),
        Ok(Err(pending)) => {
            // Dropped outside the lock if it was late meanwhile: its destructors are the user's.
            let mut pending = Some(pending);
            jobs.queue.while_running(index, |running| running.parked = pending.take());
            // Its first poll took so long that another driver has finished the second round.
            if jobs.queue.had_second_round(index) {
                second_poll(step, index);
            }
            step.clock.now()
        }
    }
}

fn second_poll(step: &Arc<StepRun>, index: usize) {
    let jobs = &step.asynchronous;
    let Some(future) = jobs.unpark(index) else { return };
    let future = match poll_now(future) {
        Ok(ended) => {
            step.ended(jobs, index, ended);
            return;
        }
        Err(future) => future,
    };
    let abort = Arc::<Abort>::default();
    let task = tokio::spawn({
        let step = step.clone();
        async move {
            let task = step.asynchronous.track(index);
            let ended = TrackedFuture { task: task.get(), future }.await;
            step.ended(&step.asynchronous, index, ended)
        }
    });
    abort.set(task.abort_handle());
    // Known only after the task was spawned: the hook may be late or done by then.
    if !jobs.set_stop(index, Stop::Abort(abort)) {
        task.abort();
    }
}

/// Polls once with nobody to wake: whatever is pending is polled again, at the latest by the task that it becomes.
fn poll_now(mut future: Caught<HookFuture>) -> Result<Ended, Caught<HookFuture>> {
    match Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => Ok(ended),
        Poll::Pending => Err(future),
    }
}
