//! The manager: what the free functions of the crate speak to. All state of a service is its own, so that two of them in
//! one process do not see each other.

use std::any::{Any, type_name};
use std::fmt;
use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::Instant;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::past::Past;
use super::reload_state::ReloadState;
use super::{nobody, status};
use crate::components::registry::{Registry, address};
use crate::config::options::Readiness;
use crate::model::cause::Cause;
use crate::model::plan::{Plan, short_type_name};
use crate::model::previous_run::PreviousRun;
use crate::model::report::Report;
use crate::model::status::Status;
use crate::os::clock::Clock;
use crate::os::lock::lock;
use crate::os::wakeup::Wakeup;
use crate::shutdown::InProgress;
use crate::sockets;
use crate::tasks::catch_panic::presentable;
use crate::tasks::generation;
use crate::tasks::run::Run;
use crate::tasks::tracked::{observe_shutdown, observe_shutdown_of_current};
use crate::tasks::workers;

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
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) registry: Mutex<Registry>,
    run: Mutex<Arc<Run>>,
    wakeup: Arc<Wakeup>,
    pub(super) in_progress: InProgress,
    /// Whether it is the one behind the free functions, whose runs are those of the process's main.
    global: bool,
    /// Set once, before the first run.
    pub(super) readiness: OnceLock<Readiness>,
    backing_off: Mutex<Option<Instant>>,
    previous: Mutex<Option<PreviousRun>>,
    pub(super) past: Past,
    pub(super) reload: ReloadState,
    /// Whether a `stop` has begun, and its report once it is over: a second `stop` gets the same.
    pub(super) stopping: AtomicBool,
    pub(super) report: watch::Sender<Option<Report>>,
}

/// The process has one main, one set of signals and one set of free functions.
static GLOBAL: LazyLock<LifecycleManager> = LazyLock::new(|| LifecycleManager::build(true, Clock::Real));

impl LifecycleManager {
    /// A manager of its own, with no signals, no watchdog and no ledger: for tests.
    ///
    /// # Panics
    /// If the process has no file descriptors left for its wake-up.
    #[must_use]
    pub fn new() -> LifecycleManager {
        LifecycleManager::build(false, Clock::Real)
    }

    /// As `new`, by tokio's clock, which is paused.
    #[cfg(feature = "test")]
    pub(crate) fn on_tokio_time() -> LifecycleManager {
        LifecycleManager::build(false, Clock::Tokio)
    }

    /// The one behind the free functions.
    #[must_use]
    pub fn global() -> &'static LifecycleManager {
        &GLOBAL
    }

    fn build(global: bool, clock: Clock) -> LifecycleManager {
        let wakeup = Arc::new(Wakeup::new().expect("two file descriptors for the wake-up"));
        let run = Run::new(wakeup.clone(), global.then_some(generation::FIRST), clock);
        LifecycleManager {
            inner: Arc::new(Inner {
                registry: Mutex::default(),
                run: Mutex::new(Arc::new(run)),
                wakeup,
                in_progress: InProgress::default(),
                global,
                readiness: OnceLock::new(),
                backing_off: Mutex::default(),
                previous: Mutex::default(),
                past: Past::default(),
                reload: ReloadState::default(),
                stopping: AtomicBool::new(false),
                report: watch::Sender::new(None),
            }),
        }
    }

    pub(crate) fn registry(&self) -> &Mutex<Registry> {
        &self.inner.registry
    }

    pub(crate) fn current_run(&self) -> Arc<Run> {
        lock(&self.inner.run).clone()
    }

    pub(super) fn wakeup(&self) -> &Wakeup {
        &self.inner.wakeup
    }

    pub(crate) fn in_progress(&self) -> &InProgress {
        &self.inner.in_progress
    }

    /// A fresh run: running, with a token that nobody cancelled. Instances that were managed before it stay.
    pub(super) fn new_run(&self) -> Arc<Run> {
        let mut current = lock(&self.inner.run);
        let generation = current.generation().map(|generation| generation + 1);
        *current = Arc::new(Run::new(self.inner.wakeup.clone(), generation, Clock::Real));
        current.clone()
    }

    /// Whether the caller belongs to an earlier run of main: then nothing that it asks for reaches the current one.
    pub(super) fn is_left_behind(&self) -> bool {
        self.inner.global && generation::is_left_behind()
    }

    /// A process runs one service: from now on there is somebody to call the hooks.
    pub(super) fn start_service(&self, readiness: Readiness) {
        self.inner.readiness.get_or_init(|| readiness);
    }

    pub(super) fn readiness(&self) -> Readiness {
        self.inner.readiness.get().copied().unwrap_or(Readiness::Implied)
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

    /// The task that asks observes the shutdown; outside of any it is main, which may be waiting for who asks.
    pub(super) fn observe_shutdown(&self) {
        if self.inner.global {
            observe_shutdown();
        } else if !observe_shutdown_of_current() {
            self.current_run().observe_by_main();
        }
    }

    /// See [`status`](crate::status).
    #[must_use]
    pub fn status(&self) -> Status {
        status::of(status::Parts {
            run: &self.current_run(),
            components: lock(self.registry()).len(),
            readiness: self.readiness(),
            backing_off: self.backing_off(),
            previous: self.previous(),
            sockets: if self.inner.global { sockets::status() } else { Vec::new() },
            workers: if self.inner.global { workers::status() } else { Vec::new() },
        })
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
            nobody::warn(self.has_a_service(), || short_type_name(type_name::<T>()));
            let tasks = lock(self.registry()).manage(&component);
            tasks.into_iter().for_each(|task| self.spawn_declared(task, Some(component.clone())));
        }
        component
    }

    /// Whether this process runs a service, or is none of its own.
    pub(super) fn has_a_service(&self) -> bool {
        !self.inner.global || self.inner.readiness.get().is_some()
    }

    /// See [`release`](crate::release).
    pub fn release<T: Any + Send + Sync>(&self, component: &Arc<T>) -> bool {
        !self.is_left_behind() && lock(self.registry()).release(address(component))
    }

    /// See [`is_running`](crate::is_running).
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.observe_shutdown();
        !self.current_run().is_stopping() && !self.is_left_behind()
    }

    /// See [`token`](crate::token).
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.observe_shutdown();
        if self.is_left_behind() {
            let ended = CancellationToken::new();
            ended.cancel();
            return ended;
        }
        self.current_run().token.clone()
    }

    /// See [`stopping`](crate::stopping).
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let (token, manager) = (self.token(), self.clone());
        async move {
            manager.observe_shutdown();
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
