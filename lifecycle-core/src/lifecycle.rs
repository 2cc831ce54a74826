//! The manager: what the free functions of the crate speak to.

use std::any::Any;
use std::future::Future;
use std::panic::Location;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::bell::Bell;
use crate::cause::Cause;
use crate::listen::{self, Listening};
use crate::options::Options;
use crate::outcome::Outcome;
use crate::place::Place;
use crate::plan::Plan;
use crate::previous::PreviousRun;
use crate::registry::{Registry, address};
use crate::report::Report;
use crate::session::{Session, Stop};
use crate::shutdown::{Budget, shut_down};
use crate::status::Status;
use crate::unwind::Caught;

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
    session: Mutex<Arc<Session>>,
    bell: Arc<Bell>,
    global: bool,
    backing_off: Mutex<Option<Instant>>,
    previous: Mutex<Option<PreviousRun>>,
}

static GLOBAL: LazyLock<LifecycleManager> = LazyLock::new(|| LifecycleManager::build(true));

impl LifecycleManager {
    /// A manager of its own, with no signals, no watchdog and no ledger: for tests.
    ///
    /// # Panics
    /// If the process has no file descriptors left for its wake-up pipe.
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
        let bell = Arc::new(Bell::new().expect("two file descriptors for the wake-up pipe"));
        let session = Mutex::new(Arc::new(Session::new(bell.clone(), global)));
        let (registry, backing_off, previous) = (Mutex::default(), Mutex::default(), Mutex::default());
        LifecycleManager { inner: Arc::new(Inner { registry, session, bell, global, backing_off, previous }) }
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.inner.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None while somebody else holds it, for ever perhaps.
    pub(crate) fn try_registry(&self) -> Option<MutexGuard<'_, Registry>> {
        match self.inner.registry.try_lock() {
            Ok(registry) => Some(registry),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(crate) fn session(&self) -> Arc<Session> {
        self.inner.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.inner.bell
    }

    /// A fresh run: running, with a token that nobody cancelled. Instances that were managed before it stay.
    pub(crate) fn new_session(&self) -> Arc<Session> {
        let session = Arc::new(Session::new(self.inner.bell.clone(), self.inner.global));
        *self.inner.session.lock().unwrap_or_else(PoisonError::into_inner) = session.clone();
        session
    }

    pub(crate) fn set_backing_off(&self, until: Option<Instant>) {
        *self.inner.backing_off.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    pub(crate) fn set_previous(&self, previous: PreviousRun) {
        *self.inner.previous.lock().unwrap_or_else(PoisonError::into_inner) = Some(previous);
    }

    pub(crate) fn previous(&self) -> Option<PreviousRun> {
        self.inner.previous.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn backing_off(&self) -> Option<Instant> {
        *self.inner.backing_off.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`status`](crate::status).
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(self)
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
        self.registry().manage(&component);
        component
    }

    /// See [`release`](crate::release).
    pub fn release<T: Any + Send + Sync>(&self, component: &Arc<T>) -> bool {
        self.registry().release(address(component))
    }

    /// See [`is_running`](crate::is_running).
    #[must_use]
    pub fn is_running(&self) -> bool {
        listen::asked();
        !self.session().is_stopping()
    }

    /// See [`token`](crate::token).
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        listen::asked();
        self.session().token.clone()
    }

    /// See [`stopping`](crate::stopping).
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let token = self.token();
        async move {
            listen::asked();
            token.cancelled().await;
        }
    }

    /// See [`shutdown`](crate::shutdown).
    pub fn shutdown(&self, reason: impl Into<String>) {
        self.session().end(Cause::Requested(reason.into()));
    }

    /// See [`ready`](crate::ready).
    pub fn ready(&self) {
        self.session().set_ready();
    }

    /// See [`plan`](crate::plan).
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.registry().plan()
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
        let session = self.session();
        let runtime = session.runtime().cloned().unwrap_or_else(Handle::current);
        let name = name.into();
        let membership = session.join(&name, Some(place), Stop::Abort(OnceLock::new()));
        let (id, ear) = (membership.id(), membership.ear);
        ear.spawned_at(Location::caller());
        let handle = runtime.spawn(async move {
            let future = Box::pin(async move { future.await.outcome() });
            if let Ok(future) = Caught::new(|| future) {
                let ended = Listening { ear, future }.await;
                membership.task_ended(&name, place, ended);
            }
        });
        session.set_abort(id, handle.abort_handle());
        handle.abort_handle()
    }

    /// Shuts this manager down on the runtime of the caller, with the default budget of 25 s and drain of 5 s, and
    /// says what happened. Meant for managers of your own; the global one is stopped by [`shutdown`](crate::shutdown).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn stop(&self, reason: impl Into<String>) -> Report {
        let session = self.session();
        session.set_runtime(Handle::current());
        session.end(Cause::Requested(reason.into()));
        let (done, report) = tokio::sync::oneshot::channel();
        let manager = self.clone();
        // A thread of its own: the caller's may be the only one that drives the hooks.
        std::thread::spawn(move || {
            let budget = Budget { whole: Options::DEFAULT.shutdown_timeout, drain: Options::DEFAULT.drain };
            let report =
                shut_down(&manager, &session, session.runtime().expect("set above"), budget, &mut || {});
            // Whoever waited may have been dropped.
            let _ = done.send(report);
        });
        report.await.expect("the shutdown sends its report")
    }
}

impl Default for LifecycleManager {
    fn default() -> LifecycleManager {
        LifecycleManager::new()
    }
}
