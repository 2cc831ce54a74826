//! The free functions: [`LifecycleManager::global`] by its everyday name.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::AbortHandle;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::current::current;
use super::reload::Reloads;
use crate::model::outcome::Outcome;
use crate::model::plan::Plan;
use crate::model::status::Status;
use crate::tasks::generation;
use crate::tasks::tracked::observe_shutdown;

/// Hands an instance over: at shutdown its hooks are called, in the order of the plan; its tasks are spawned now.
///
/// It is held until its hooks have run; a clone of the `Arc` is for you. Managing inside a run belongs to that run:
/// when main is run again after a crash, it makes and manages new instances.
///
/// # Panics
/// If no method of the type carries `#[lifecycle::component]`, `reload` or `task`; the message says what to write. If that
/// ends the run, the exit code is 78, and nothing is restarted. Outside a tokio runtime, if the type has a task and
/// `#[lifecycle::main]` has started none.
///
/// ```
/// struct Cache;
///
/// impl Cache {
///     #[lifecycle::component(phase = "persist")]
///     fn flush(&self) {}
/// }
///
/// let cache = lifecycle::manage(Cache);
/// # lifecycle::release(&cache);
/// ```
#[track_caller]
pub fn manage<T: Any + Send + Sync>(component: T) -> Arc<T> {
    current().manage(component)
}

/// As [`manage`], for an instance that is in an `Arc` already. The same `Arc` twice counts once.
///
/// # Panics
/// As [`manage`].
///
/// ```
/// # use std::sync::Arc;
/// # struct Cache;
/// # impl Cache { #[lifecycle::component] fn flush(&self) {} }
/// let cache = Arc::new(Cache);
/// lifecycle::manage_arc(cache.clone());
/// # lifecycle::release(&cache);
/// ```
#[track_caller]
pub fn manage_arc<T: Any + Send + Sync>(component: Arc<T>) -> Arc<T> {
    current().manage_arc(component)
}

/// Takes an instance back: its hooks will not be called. Returns whether it was managed.
///
/// ```
/// # struct Cache;
/// # impl Cache { #[lifecycle::component] fn flush(&self) {} }
/// let cache = lifecycle::manage(Cache);
/// assert!(lifecycle::release(&cache));
/// assert!(!lifecycle::release(&cache));
/// ```
pub fn release<T: Any + Send + Sync>(component: &Arc<T>) -> bool {
    current().release(component)
}

/// Whether the service should go on: false from the first moment of a shutdown. One relaxed load.
///
/// Main, or a tracked task, that calls it in its own polls *observes the shutdown*: it may return until the drain time is over.
/// One that never asked is dropped at once.
///
/// ```
/// # let mut orders = 0;
/// while lifecycle::is_running() {
///     orders += 1; // … one tick of work …
///     # break;
/// }
/// # assert_eq!(orders, 1);
/// ```
#[inline]
#[must_use]
pub fn is_running() -> bool {
    #[cfg(feature = "test")]
    if let Some(manager) = super::current::of_test() {
        return manager.is_running();
    }
    observe_shutdown();
    generation::is_running()
}

/// Waits for the shutdown to begin; for `select!`, and for servers: `axum::serve(…).with_graceful_shutdown(stopping())`.
///
/// A task that calls it observes the shutdown, as with [`is_running`].
///
/// ```
/// # async fn receive() -> Option<u32> { None }
/// async fn pump() {
///     tokio::select! {
///         () = lifecycle::stopping() => {}
///         _message = receive() => {}
///     }
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(pump());
/// ```
pub fn stopping() -> impl Future<Output = ()> + Send + 'static {
    let token = token();
    async move {
        observe();
        let mut cancelled = pin!(token.cancelled());
        poll_fn(|context| poll_stopping(cancelled.as_mut(), context)).await;
    }
}

/// A frame by which hang reports know what is awaited.
#[inline(never)]
fn poll_stopping(cancelled: Pin<&mut WaitForCancellationFuture<'_>>, context: &mut Context<'_>) -> Poll<()> {
    // Behind it, so that it is no tail call, which has no frame.
    std::hint::black_box(cancelled.poll(context))
}

/// The token of this run, cancelled when the shutdown begins. A task that calls it observes the shutdown, as with [`is_running`].
///
/// ```
/// let token = lifecycle::token();
/// assert!(!token.is_cancelled());
/// let child = token.child_token();
/// # drop(child);
/// ```
#[must_use]
pub fn token() -> CancellationToken {
    observe();
    current().token()
}

/// Asks for a graceful shutdown from code: exit code 0 if every hook succeeds, `reason` in the report.
///
/// ```no_run
/// lifecycle::shutdown("the last order of the day is filled");
/// assert!(!lifecycle::is_running());
/// ```
pub fn shutdown(reason: impl Into<String>) {
    current().shutdown(reason);
}

/// Spawns a task that belongs to this run: if it panics or returns `Err`, the run ends as a failure.
/// At a shutdown it may return until the drain time is over, if it observes the shutdown (see [`is_running`]); then it is dropped.
///
/// # Panics
/// Outside a tokio runtime, unless `#[lifecycle::main]` has started one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// lifecycle::spawn("price feed", async {
///     while lifecycle::is_running() {
///         // … one message …
///         # break;
///     }
///     Ok::<(), std::io::Error>(())
/// });
/// # });
/// ```
#[track_caller]
pub fn spawn<F>(name: impl Into<String>, future: F) -> AbortHandle
where
    F: Future + Send + 'static,
    F::Output: Outcome,
{
    current().spawn(name, future)
}

/// Asks for a reload: every `#[lifecycle::reload]` hook of a managed instance, and every free function with one, is
/// called by ascending order; then [`reloads`] yields. One that fails, panics or is late is reported, no later order is
/// called, and what was in force before stays. Asked for again while one is under way, it runs once more.
///
/// SIGHUP asks for it, too, where anything would hear of it.
///
/// # Panics
/// Outside a tokio runtime, unless `#[lifecycle::main]` has started one.
///
/// ```
/// use std::sync::Mutex;
///
/// struct Limits(Mutex<u32>);
///
/// impl Limits {
///     #[lifecycle::reload]
///     async fn read(&self) -> Result<(), std::io::Error> {
///         *self.0.lock().unwrap() = 7; // … from the file …
///         Ok(())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let limits = lifecycle::manage(Limits(Mutex::new(3)));
/// let mut reloads = lifecycle::reloads();
/// lifecycle::reload();
/// reloads.next().await;
/// assert_eq!(*limits.0.lock().unwrap(), 7);
/// # lifecycle::release(&limits);
/// # });
/// ```
pub fn reload() {
    current().reload();
}

/// A stream of the reloads that succeed, until the service stops.
///
/// ```no_run
/// # async fn example() {
/// let mut reloads = lifecycle::reloads();
/// while reloads.next().await.is_some() {
///     println!("the configuration was read again");
/// }
/// # }
/// ```
pub fn reloads() -> Reloads {
    current().reloads()
}

/// Says that the service is up. Implied at the first heartbeat, or after main has run for a second.
///
/// ```
/// lifecycle::ready();
/// assert!(lifecycle::status().ready);
/// ```
pub fn ready() {
    current().ready();
}

/// What is going on: state, tasks, heartbeats.
///
/// ```
/// println!("{}", lifecycle::status());
/// ```
#[must_use]
pub fn status() -> Status {
    current().status()
}

/// What a shutdown would do now.
///
/// ```
/// println!("{}", lifecycle::plan());
/// ```
#[must_use]
pub fn plan() -> Plan {
    current().plan()
}

/// In the name of the task that asks, or of main.
fn observe() {
    #[cfg(feature = "test")]
    if let Some(manager) = super::current::of_test() {
        return manager.observe_shutdown();
    }
    observe_shutdown();
}
