//! The manager: what the free functions of the crate speak to. All state of a service is its own, so that two of them in
//! one process do not see each other.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::AcqRel;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::status;
use crate::components::registry::{Registry, address};
use crate::config::options::Options;
use crate::model::cause::Cause;
use crate::model::outcome::Outcome;
use crate::model::place::Place;
use crate::model::plan::Plan;
use crate::model::previous_run::PreviousRun;
use crate::model::report::Report;
use crate::model::status::Status;
use crate::os::lock::lock;
use crate::os::wakeup::Wakeup;
use crate::shutdown::{Budget, InProgress, Observer, Subject, shut_down};
use crate::tasks::catch_panic::{Caught, presentable};
use crate::tasks::generation;
use crate::tasks::run::{Abort, Run, Stop};
use crate::tasks::tracked::{TrackedFuture, observe_shutdown_of_current};

/// Holds what was handed over and runs its hooks: one for the process, [`LifecycleManager::global`], and one each test builds.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// static CLOSED: AtomicBool = AtomicBool::new(false);
///
/// struct Database;
///
/// impl Database {
///     #[lifecycle::component(order = 3, phase = "disconnect")]
///     async fn close(&self) {
///         CLOSED.store(true, Ordering::Relaxed);
///     }
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let manager = lifecycle::LifecycleManager::new();
/// manager.manage(Database);
/// let report = manager.stop("the test is over").await;
/// assert!(report.is_success() && CLOSED.load(Ordering::Relaxed), "{report}");
/// # });
/// ```
#[derive(Clone)]
pub struct LifecycleManager {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Mutex<Registry>,
    run: Mutex<Arc<Run>>,
    wakeup: Arc<Wakeup>,
    in_progress: InProgress,
    /// Whether it is the one behind the free functions, whose runs are those of the process's main.
    global: bool,
    backing_off: Mutex<Option<Instant>>,
    previous: Mutex<Option<PreviousRun>>,
    /// Whether a `stop` has begun, and its report once it is over: whoever stops again gets the same.
    stopping: AtomicBool,
    report: watch::Sender<Option<Report>>,
}

/// The process has one main, one set of signals and one set of free functions.
static GLOBAL: LazyLock<LifecycleManager> = LazyLock::new(|| LifecycleManager::build(true));

/// A manager that a test built hears of no signals.
struct Unobserved;

impl Observer for Unobserved {
    fn handle_events(&mut self) {}

    fn timeout_is_near(&mut self) {}

    fn step_is_over(&mut self, _: bool) {}
}

impl LifecycleManager {
    /// A manager of its own, with no signals, no watchdog and no ledger: for tests.
    ///
    /// # Panics
    /// If the process has no file descriptors left for its wake-up.
    #[must_use]
    pub fn new() -> LifecycleManager {
        LifecycleManager::build(false)
    }

    /// The one behind the free functions.
    #[must_use]
    pub fn global() -> &'static LifecycleManager {
        &GLOBAL
    }

    fn build(global: bool) -> LifecycleManager {
        let wakeup = Arc::new(Wakeup::new().expect("two file descriptors for the wake-up"));
        let run = Run::new(wakeup.clone(), global.then_some(generation::FIRST));
        LifecycleManager {
            inner: Arc::new(Inner {
                registry: Mutex::default(),
                run: Mutex::new(Arc::new(run)),
                wakeup,
                in_progress: InProgress::default(),
                global,
                backing_off: Mutex::default(),
                previous: Mutex::default(),
                stopping: AtomicBool::new(false),
                report: watch::Sender::new(None),
            }),
        }
    }

    pub(super) fn registry(&self) -> &Mutex<Registry> {
        &self.inner.registry
    }

    pub(super) fn current_run(&self) -> Arc<Run> {
        lock(&self.inner.run).clone()
    }

    pub(super) fn wakeup(&self) -> &Wakeup {
        &self.inner.wakeup
    }

    pub(super) fn in_progress(&self) -> &InProgress {
        &self.inner.in_progress
    }

    /// A fresh run: running, with a token that nobody cancelled. Instances that were managed before it stay.
    pub(super) fn new_run(&self) -> Arc<Run> {
        let mut current = lock(&self.inner.run);
        let generation = current.generation().map(|generation| generation + 1);
        *current = Arc::new(Run::new(self.inner.wakeup.clone(), generation));
        current.clone()
    }

    /// Whether the caller belongs to an earlier run of main: then nothing that it asks for reaches the current one.
    fn is_left_behind(&self) -> bool {
        self.inner.global && generation::is_left_behind()
    }

    pub(super) fn set_backing_off(&self, until: Option<Instant>) {
        *lock(&self.inner.backing_off) = until;
    }

    pub(super) fn set_previous(&self, previous: PreviousRun) {
        *lock(&self.inner.previous) = Some(previous);
    }

    pub(super) fn previous(&self) -> Option<PreviousRun> {
        lock(&self.inner.previous).clone()
    }

    pub(super) fn backing_off(&self) -> Option<Instant> {
        *lock(&self.inner.backing_off)
    }

    /// See [`status`](crate::status).
    #[must_use]
    pub fn status(&self) -> Status {
        status::of(self)
    }

    /// See [`manage`](crate::manage).
    ///
    /// # Panics
    /// If the type has no hook.
    #[track_caller]
    pub fn manage<T: Any + Send + Sync>(&self, component: T) -> Arc<T> {
        self.manage_arc(Arc::new(component))
    }

    /// See [`manage_arc`](crate::manage_arc).
    ///
    /// # Panics
    /// If the type has no hook.
    #[track_caller]
    pub fn manage_arc<T: Any + Send + Sync>(&self, component: Arc<T>) -> Arc<T> {
        if !self.is_left_behind() {
            lock(self.registry()).manage(&component);
        }
        component
    }

    /// See [`release`](crate::release).
    pub fn release<T: Any + Send + Sync>(&self, component: &Arc<T>) -> bool {
        !self.is_left_behind() && lock(self.registry()).release(address(component))
    }

    /// See [`is_running`](crate::is_running).
    #[must_use]
    pub fn is_running(&self) -> bool {
        observe_shutdown_of_current();
        !self.current_run().is_stopping() && !self.is_left_behind()
    }

    /// See [`token`](crate::token).
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        observe_shutdown_of_current();
        if self.is_left_behind() {
            let ended = CancellationToken::new();
            ended.cancel();
            return ended;
        }
        self.current_run().token.clone()
    }

    /// See [`stopping`](crate::stopping).
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let token = self.token();
        async move {
            observe_shutdown_of_current();
            token.cancelled().await;
        }
    }

    /// See [`shutdown`](crate::shutdown).
    pub fn shutdown(&self, reason: impl Into<String>) {
        if !self.is_left_behind() {
            self.current_run().end(Cause::Requested(presentable(&reason.into())));
        }
    }

    /// See [`ready`](crate::ready).
    pub fn ready(&self) {
        if !self.is_left_behind() {
            self.current_run().set_ready();
        }
    }

    /// See [`plan`](crate::plan).
    #[must_use]
    pub fn plan(&self) -> Plan {
        lock(self.registry()).plan()
    }

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
        let place = Place::of(Location::caller());
        let run = self.current_run();
        let runtime = run.runtime().cloned().unwrap_or_else(Handle::current);
        if self.is_left_behind() {
            return runtime.spawn(async {}).abort_handle();
        }
        let (name, abort) = (name.into(), Arc::<Abort>::default());
        let membership = run.join(&name, Some(place), Stop::Abort(abort.clone()));
        let task = membership.slot;
        task.spawned_at(Location::caller());
        let handle = runtime.spawn(async move {
            let future = Box::pin(async move { future.await.outcome() });
            if let Ok(future) = Caught::new(|| future) {
                let ended = TrackedFuture { task, future }.await;
                membership.task_ended(&name, place, ended);
            }
        });
        abort.set(handle.abort_handle());
        handle.abort_handle()
    }

    /// Shuts this manager down on the runtime of the caller, with the default budget of 25 s and drain of 5 s, and
    /// returns what happened. Whoever stops it again meanwhile, or later, gets the same report. Meant for managers of your
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

impl fmt::Debug for LifecycleManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifecycleManager").field("hooks", &self.plan().hooks.len()).finish_non_exhaustive()
    }
}

impl Default for LifecycleManager {
    fn default() -> LifecycleManager {
        LifecycleManager::new()
    }
}
