//! The fallback: for hooks that never got to run because the service's own runtime is frozen, or its blocking pool full.
//!
//! Each hook has a thread of its own, so that however many of them block, the next is called all the same. A runtime of
//! ours, which runs no hook, drives their timers and sockets; each step has a fresh one, since what a hook spawns may
//! block it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

use super::driver::{call_blocking, make};
use super::step::{Running, StepRun};
use crate::components::declaration::HookFuture;
use crate::os::log;
use crate::tasks::catch_panic::{Caught, Ended};
use crate::tasks::generation;
use crate::tasks::stop::Stop;
use crate::tasks::tracked_future::TrackedFuture;

/// Started when it is needed first; its runtimes live until the end of the shutdown, with what hooks have spawned on them.
pub(super) struct Fallback {
    runtimes: Vec<Runtime>,
    /// The step that the last one was made for.
    step: Option<Arc<StepRun>>,
    generation: Option<u32>,
}

impl Fallback {
    pub(super) fn new(generation: Option<u32>) -> Fallback {
        Fallback { runtimes: Vec::new(), step: None, generation }
    }

    /// Whether it was needed before.
    pub(super) fn is_started(&self) -> bool {
        !self.runtimes.is_empty()
    }

    /// Starts so many more threads. If the system gives us none, the hooks that are left are late.
    pub(super) fn add_threads(&mut self, step: &Arc<StepRun>, count: usize) {
        let Some(runtime) = self.runtime(step) else { return };
        for _ in 0..count {
            let (step, runtime, generation) = (step.clone(), runtime.clone(), self.generation);
            let thread = std::thread::Builder::new().name("lifecycle-hook".into());
            let work = move || {
                generation.into_iter().for_each(generation::bind_to);
                call_hooks(&step, &runtime);
            };
            if thread.spawn(work).is_err() {
                return;
            }
        }
    }

    fn runtime(&mut self, step: &Arc<StepRun>) -> Option<Handle> {
        if !self.step.as_ref().is_some_and(|known| Arc::ptr_eq(known, step)) {
            // tokio panics if the system gives it no thread.
            let build = || {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(1).thread_name("lifecycle-fallback").enable_all().build()
            };
            let runtime = catch_unwind(AssertUnwindSafe(build)).ok()?.ok()?;
            if !self.is_started() {
                log::warn("the runtime does not get to the hooks: they run on threads of their own");
            }
            self.runtimes.push(runtime);
            self.step = Some(step.clone());
        }
        self.runtimes.last().map(|runtime| runtime.handle().clone())
    }
}

impl Drop for Fallback {
    fn drop(&mut self) {
        // Whatever still blocks there is not waited for.
        self.runtimes.drain(..).for_each(Runtime::shutdown_background);
    }
}

/// Calls hooks, one after the other, until none waits.
fn call_hooks(step: &StepRun, runtime: &Handle) {
    let _context = runtime.enter();
    while call_blocking(step) {}
    let jobs = &step.asynchronous;
    while let Some((index, instance)) = jobs.queue.claim(|| Running::since(step.clock.now())) {
        match make(step, index, instance) {
            Ok(future) => poll_to_end(step, runtime, index, future),
            Err(ended) => drop(step.ended(jobs, index, ended)),
        }
    }
    // Those whose driver is blocked: they are pending after their first poll.
    while let Some(index) = jobs.queue.claim_second_round() {
        if let Some(future) = jobs.unpark(index) {
            poll_to_end(step, runtime, index, future);
        }
    }
}

fn poll_to_end(step: &StepRun, runtime: &Handle, index: usize, future: Caught<HookFuture>) {
    let jobs = &step.asynchronous;
    let stop = CancellationToken::new();
    if !jobs.set_stop(index, Stop::Cancel(stop.clone())) {
        return;
    }
    let task = jobs.track(index);
    let future = TrackedFuture { task: task.get(), future };
    let ended: Option<Ended> = runtime.block_on(stop.run_until_cancelled_owned(future));
    if let Some(ended) = ended {
        step.ended(jobs, index, ended);
    }
}
