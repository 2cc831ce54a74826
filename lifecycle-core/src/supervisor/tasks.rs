//! What a manager starts: tracked tasks, and its own shutdown where there is no main.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::AcqRel;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::manager::{Inner, LifecycleManager};
use crate::config::options::Options;
use crate::model::cause::Cause;
use crate::model::outcome::Outcome;
use crate::model::report::Report;
use crate::shutdown::{Budget, Observer, Subject, shut_down};
use crate::tasks::catch_panic::{Caught, Ended, presentable};
use crate::tasks::label::Origin;
use crate::tasks::outlined::outlined;
use crate::tasks::run::Run;
use crate::tasks::stop::{Abort, Stop};
use crate::tasks::tracked_future::TrackedFuture;

/// A manager that a test built hears of no signals.
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    fn handle_events(&mut self) {}

    fn timeout_is_near(&mut self) {}

    fn step_is_over(&mut self, _: bool) {}
}

impl LifecycleManager {
    /// See [`spawn`](crate::spawn).
    ///
    /// # Panics
    /// Outside a tokio runtime, unless `#[lifecycle::main]` has started one.
    #[track_caller]
    pub fn spawn<F>(&self, name: impl Into<String>, future: F) -> AbortHandle
    where
        F: Future + Send + 'static,
        F::Output: Outcome,
    {
        let location = Location::caller();
        let run = self.current_run();
        let runtime = run.runtime().cloned().unwrap_or_else(Handle::current);
        if self.is_left_behind() {
            return runtime.spawn(async {}).abort_handle();
        }
        let future = Caught::of(Box::pin(async move { outlined(future).await.outcome() }));
        self.spawn_in(&run, &runtime, &name.into(), Origin::SpawnedAt(location), future)
    }

    /// Spawns a tracked task from what ends well or not.
    pub(super) fn spawn_in(
        &self,
        run: &Arc<Run>,
        runtime: &Handle,
        name: &str,
        origin: Origin,
        future: impl Future<Output = Ended> + Send + Unpin + 'static,
    ) -> AbortHandle {
        let abort = Arc::<Abort>::default();
        let membership = run.join(name, Some(origin.place()), Stop::Abort(abort.clone()));
        let task = membership.slot;
        task.set_origin(origin);
        let name = name.to_owned();
        let handle = runtime.spawn(async move {
            let ended = TrackedFuture { task, future }.await;
            membership.task_ended(&name, ended);
        });
        abort.set(handle.abort_handle());
        handle.abort_handle()
    }

    /// Shuts this manager down on the runtime of the caller, with the default budget of 25 s and drain of 5 s, and
    /// returns what happened. A second `stop`, meanwhile or later, gets the same report. Meant for managers of your
    /// own; the global one is stopped by [`shutdown`](crate::shutdown).
    ///
    /// # Panics
    /// Outside a tokio runtime, or if the system has no thread left.
    pub async fn stop(&self, reason: impl Into<String>) -> Report {
        let mut report = self.inner.report.subscribe();
        if !self.inner.stopping.swap(true, AcqRel) {
            self.begin_stop(&reason.into());
        }
        let report = report.wait_for(Option::is_some).await.ok().and_then(|report| report.clone());
        report.unwrap_or_else(|| Report::empty(Cause::Requested("the shutdown has no report".into())))
    }

    fn begin_stop(&self, reason: &str) {
        let run = self.current_run();
        run.set_runtime(Handle::current());
        run.end(Cause::Requested(presentable(reason)));
        let manager = self.clone();
        let work = move || {
            let budget = Budget { whole: Options::DEFAULT.shutdown_timeout, drain: Options::DEFAULT.drain };
            let runtime = run.runtime().expect("set above");
            let Inner { registry, in_progress, report, .. } = &*manager.inner;
            let subject = Subject { registry, run: &run, runtime, in_progress };
            report.send_replace(Some(shut_down(&subject, budget, &mut Unobserved)));
        };
        // A thread of its own: the caller's may be the only one that drives the hooks.
        let thread = std::thread::Builder::new().name("lifecycle-stop".into()).spawn(work);
        if let Err(error) = thread {
            panic!("the shutdown needs a thread: {error}");
        }
    }
}
