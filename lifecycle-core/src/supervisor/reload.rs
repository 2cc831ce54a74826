//! A reload: what `#[lifecycle::reload]` declares is called, then those who listen to `reloads()` hear of it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::current::current;
use super::manager::LifecycleManager;
use crate::components::declaration::{Call, HookKind, Instance, future};
use crate::components::index::{ResolvedHook, declared};
use crate::model::outcome::Failed;
use crate::model::place::Place;
use crate::os::lock::lock;
use crate::os::log::{self, Level};
use crate::systemd;
use crate::tasks::catch_panic::{Caught, Ended, call};
use crate::tasks::label::Origin;
use crate::tasks::owned::OwnedTask;
use crate::tasks::run::Run;
use crate::tasks::tracked_future::TrackedFuture;

static PLACE: Place = Place { file: file!(), line: line!() };

/// A reload that is dropped half-way, by a shutdown, is not under way any more.
struct UnderWay(LifecycleManager);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.inner.reload.asked.store(0, Release);
        systemd::reloaded();
    }
}

impl LifecycleManager {
    /// See [`reload`](crate::reload).
    ///
    /// # Panics
    /// Outside a tokio runtime, unless `#[lifecycle::main]` has started one.
    pub fn reload(&self) {
        let run = self.current_run();
        if self.is_left_behind() || run.is_stopping() || self.inner.reload.asked.fetch_add(1, AcqRel) > 0 {
            return;
        }
        let runtime = run.runtime().cloned().unwrap_or_else(Handle::current);
        systemd::reloading();
        let under_way = UnderWay(self.clone());
        let work = Caught::of(Box::pin(async move {
            let UnderWay(manager) = &under_way;
            loop {
                let asked = manager.inner.reload.asked.load(Acquire);
                if manager.call_reload_hooks().await {
                    manager.inner.reload.done.send_modify(|count| *count += 1);
                }
                // Once more for those who asked meanwhile: what they changed may have been read before.
                if manager.inner.reload.asked.fetch_sub(asked, AcqRel) == asked {
                    return Ok(());
                }
            }
        }));
        self.spawn_in(&run, &runtime, "reload", Origin::DeclaredAt(&PLACE), work);
    }

    /// See [`reloads`](crate::reloads).
    pub fn reloads(&self) -> Reloads {
        self.observe_shutdown();
        Reloads { next: Some(Box::pin(next_reload(self.inner.reload.done.subscribe(), self.current_run()))) }
    }

    /// Whether anything would hear of a reload.
    pub(super) fn can_reload(&self) -> bool {
        self.inner.reload.done.receiver_count() > 0
            || declared(|kind| matches!(kind, HookKind::Reload)).next().is_some()
    }

    /// By ascending order; the first order in which one fails is the last. Returns whether all went well.
    async fn call_reload_hooks(&self) -> bool {
        let begun = Instant::now();
        let mut called = 0;
        let steps = lock(self.registry()).reloads();
        for hooks in steps.into_values() {
            let mut calls = JoinSet::new();
            for (hook, instances) in hooks {
                instances.into_iter().for_each(|instance| drop(calls.spawn(call_hook(hook, instance))));
            }
            called += calls.len();
            if !calls.join_all().await.into_iter().all(|well| well) {
                log::say_later(Level::Error, "reload failed: what was in force before stays");
                return false;
            }
        }
        log::say_later(Level::Notice, format!("reloaded: {called} hooks in {:.1?}", begun.elapsed()));
        true
    }
}

/// Says how it ended, where that is not well.
async fn call_hook(hook: &'static ResolvedHook, instance: Option<Instance>) -> bool {
    let problem = match tokio::time::timeout(hook.timeout, call_tracked(hook, instance)).await {
        Ok(Ended::Well) => return true,
        Ok(Ended::Failed(failed)) => format!("failed: {}", failed.text),
        Ok(Ended::Panicked(panic)) => format!("panicked: {}", panic.text),
        Err(_) => format!("timed out after {:?}", hook.timeout),
    };
    log::say_later(Level::Error, format!("reload: hook `{}` ({}) {problem}", hook.name, hook.place));
    false
}

async fn call_tracked(hook: &'static ResolvedHook, instance: Option<Instance>) -> Ended {
    let task = OwnedTask::hook(hook.name, &hook.place);
    match &hook.hook.call {
        Call::Async(call) => match Caught::new(|| future(*call, instance)) {
            Ok(future) => TrackedFuture { task: task.get(), future }.await,
            Err(ended) => ended,
        },
        Call::Blocking(function) => {
            let function = *function;
            let work = move || {
                let _task = task.on_this_thread();
                call(|| function(&instance))
            };
            let failed = |error: JoinError| Failed { text: error.to_string(), meaning: None };
            tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Ended::Panicked(failed(error)))
        }
    }
}

type Changes = watch::Receiver<u64>;

type Next = Pin<Box<dyn Future<Output = Option<(Changes, Arc<Run>)>> + Send>>;

/// `None` once the run stops.
async fn next_reload(mut changes: Changes, run: Arc<Run>) -> Option<(Changes, Arc<Run>)> {
    run.token.run_until_cancelled(changes.changed()).await?.ok()?;
    Some((changes, run))
}

/// An item for each reload, once its hooks have succeeded; the end when the service stops. A [`Stream`], too.
///
/// ```no_run
/// # async fn example() {
/// let mut reloads = lifecycle::reloads();
/// while reloads.next().await.is_some() {
///     println!("the configuration was read again");
/// }
/// # }
/// ```
#[must_use = "it yields nothing unless it is polled"]
pub struct Reloads {
    next: Option<Next>,
}

impl Reloads {
    /// The next reload; `None` once the service stops. Several that come while nobody waits are one.
    pub async fn next(&mut self) -> Option<()> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Reloads {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<()>> {
        // It ends with the run: whoever waits for it hears of the shutdown.
        current().observe_shutdown();
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let Poll::Ready(reload) = next.as_mut().poll(context) else { return Poll::Pending };
        let item = reload.is_some().then_some(());
        self.next = reload.map(|(changes, run)| Box::pin(next_reload(changes, run)) as _);
        Poll::Ready(item)
    }
}

impl fmt::Debug for Reloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloads").finish_non_exhaustive()
    }
}
