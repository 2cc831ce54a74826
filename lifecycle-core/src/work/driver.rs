//! Who calls the hooks of a step and polls them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::coop::unconstrained;

use super::{Running, Work};
use crate::component::{Call, HookFuture};
use crate::listen::Listening;
use crate::unwind::{Caught, Ended, call};

/// Starts one more driver. One does it all, unless a hook blocks its thread: then the next goes on with the rest.
pub(crate) fn add_driver(work: &Arc<Work>, runtime: &Handle) {
    let driver = drive(work.clone());
    // Unconstrained: tokio's budget is a task's, and would make the 129th hook of one driver look pending.
    drop(runtime.spawn(unconstrained(driver)));
}

/// Calls every hook and polls it once; those that are pending once more, after the others had their turn; only what is
/// pending even then costs a task. Most hooks that wait at all wait for a yield, or for a lock that is free by then.
async fn drive(work: Arc<Work>) {
    // The end of one is the begin of the next: reading the clock costs as much as calling a hook.
    let mut now = Instant::now();
    while let Some((index, instance)) =
        work.claims.claim(|| Running { since: now, parked: None, abort: None })
    {
        match &work.declared(index).hook.call {
            Call::Blocking(hook) => {
                let work = work.clone();
                drop(tokio::task::spawn_blocking(move || {
                    let _ear = work.ear(index).on_this_thread();
                    work.ended(index, call(|| hook(instance)));
                }));
            }
            Call::Async(hook) => {
                let _ear = work.ear(index).on_this_thread();
                now = first_poll(&work, index, Caught::new(|| hook(instance)));
            }
        }
    }
    // What the first polls woke runs first.
    tokio::task::yield_now().await;
    while let Some(index) = work.claims.claim_again() {
        second_poll(&work, index);
    }
}

/// Returns when.
fn first_poll(work: &Arc<Work>, index: usize, future: Result<Caught<HookFuture>, Ended>) -> Instant {
    match future.map(poll_now) {
        Err(ended) | Ok(Ok(ended)) => work.ended(index, ended),
        Ok(Err(pending)) => {
            // Dropped outside the lock if it was late meanwhile: its destructors are the user's.
            let mut pending = Some(pending);
            work.claims.while_running(index, |running| running.parked = pending.take());
            // Its first poll took so long that another driver has finished the second round.
            if work.claims.came_up_again(index) {
                second_poll(work, index);
            }
            Instant::now()
        }
    }
}

fn second_poll(work: &Arc<Work>, index: usize) {
    let Some(future) = work.unpark(index) else { return };
    let future = match poll_now(future) {
        Ok(ended) => {
            work.ended(index, ended);
            return;
        }
        Err(future) => future,
    };
    let task = tokio::spawn({
        let work = work.clone();
        async move {
            let ear = work.ear(index);
            work.ended(index, Listening { ear: ear.get(), future }.await)
        }
    });
    // Known only after the task was spawned: the hook may be late or done by then.
    let abort = task.abort_handle();
    if work.claims.while_running(index, |running| running.abort = Some(abort)).is_none() {
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
