//! Work of other shapes than a spawned task: on blocking threads, inside other tasks, and requests.

use std::future::Future;
use std::panic::Location;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::current::current;
use super::manager::LifecycleManager;
use crate::model::outcome::Outcome;
use crate::model::place::Place;
use crate::tasks::busy::Busy;
use crate::tasks::catch_panic::call;
use crate::tasks::label::Origin;
use crate::tasks::outlined::outlined;
use crate::tasks::owned::OwnedTask;
use crate::tasks::stop::Stop;
use crate::tasks::tracked::hook_deadline;
use crate::tasks::tracked_future::TrackedFuture;

impl LifecycleManager {
    /// See [`spawn_blocking`](crate::spawn_blocking).
    ///
    /// # Panics
    /// Outside a tokio runtime, unless `#[lifecycle::main]` has started one.
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, name: impl Into<String>, work: F) -> AbortHandle
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome,
    {
        let origin = Origin::SpawnedAt(Location::caller());
        let run = self.current_run();
        let runtime = run.runtime().cloned().unwrap_or_else(Handle::current);
        if self.is_left_behind() {
            return runtime.spawn(async {}).abort_handle();
        }
        let name = name.into();
        let membership = run.join(&name, Some(origin.place()), Stop::Thread);
        let task = membership.slot;
        task.set_origin(origin);
        let work = move || {
            let ended = task.on_this_thread(|| call(|| work().outcome()));
            membership.task_ended(&name, ended);
        };
        runtime.spawn_blocking(work).abort_handle()
    }

    /// See [`busy`](crate::busy).
    #[track_caller]
    pub fn busy(&self, what: impl AsRef<str>) -> Busy {
        self.busy_at(what.as_ref(), Place::of(Location::caller()))
    }

    pub(super) fn busy_at(&self, what: &str, place: Place) -> Busy {
        if self.is_left_behind() {
            return Busy::left_behind();
        }
        Busy::begin(self.current_run(), what, place)
    }
}

/// Runs blocking work as a tracked task: as [`spawn`](crate::spawn), on a thread of tokio's blocking pool. Asking
/// [`is_running`](crate::is_running) inside it makes the shutdown wait for it, as long as the drain lasts; a thread that still
/// works then cannot be stopped: it is named in the report, and the exit code is 1.
///
/// # Panics
/// Outside a tokio runtime, unless `#[lifecycle::main]` has started one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// lifecycle::spawn_blocking("import", || {
///     for _line in ["a", "b"] {
///         if !lifecycle::is_running() {
///             break;
///         }
///     }
/// });
/// # });
/// ```
#[track_caller]
pub fn spawn_blocking<F, R>(name: impl Into<String>, work: F) -> AbortHandle
where
    F: FnOnce() -> R + Send + 'static,
    R: Outcome,
{
    current().spawn_blocking(name, work)
}

/// Marks work that a drain waits for until the guard is dropped: a request, a job, a transaction of several calls. While it
/// waits, the log names the oldest every few seconds; what the drain cuts off is a row of the report, with its age.
///
/// ```
/// async fn settle(order: u64) {
///     let _busy = lifecycle::busy(format!("settlement of order {order}"));
///     // … several calls that belong together …
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(settle(1));
/// ```
#[track_caller]
pub fn busy(what: impl AsRef<str>) -> Busy {
    current().busy(what)
}

/// The same future; hang reports show it under this name, wherever it is polled: also in a plain `tokio::spawn`, or as a
/// part of another task. It changes nothing else: a panic in it, or what it returns, is yours.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let answer = tokio::spawn(lifecycle::track("question", async { 42 }));
/// assert_eq!(answer.await.unwrap(), 42);
/// # });
/// ```
#[track_caller]
pub fn track<F: Future>(name: impl Into<String>, future: F) -> impl Future<Output = F::Output> {
    let (name, origin) = (name.into(), Origin::SpawnedAt(Location::caller()));
    async move {
        let task = OwnedTask::part(&name, origin);
        TrackedFuture { task: task.get(), future: Box::pin(outlined(future)) }.await
    }
}

/// Inside a hook: when its time is over, as was known when it was called. `None` anywhere else.
///
/// ```
/// use std::time::Instant;
///
/// struct Exporter;
///
/// impl Exporter {
///     #[lifecycle::component(phase = "persist", timeout = "10s")]
///     async fn flush(&self) {
///         let until = lifecycle::deadline().expect("this is a hook");
///         while Instant::now() < until {
///             // … one batch …
///             # break;
///         }
///     }
/// }
/// assert!(lifecycle::deadline().is_none());
/// ```
#[must_use]
pub fn deadline() -> Option<Instant> {
    hook_deadline()
}
