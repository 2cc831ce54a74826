//! Hooks that are closures: what `on_stop` is given, as an instance that its hook is called for.

use std::any::TypeId;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::components::declaration::{Call, Hook, HookFuture, HookKind, Instance, Owner, Running};
use crate::components::index::ResolvedHook;
use crate::components::registry::Registry;
use crate::model::outcome::{Failed, Outcome};
use crate::model::phase::Phase;
use crate::model::place::Place;
use crate::os::lock::lock;

/// A closure that may be called once, `async` or not: what [`on_stop`](crate::on_stop) takes. `Marker` tells the two
/// apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "a hook of `on_stop` must be a closure without parameters that returns `()`, `Result<(), E>`, or a future of one",
    label = "must be a closure such as `move || store.flush()` or `async move || store.close().await`"
)]
pub trait StopHook<Marker>: Send + 'static {
    #[doc(hidden)]
    fn erase(self) -> Closure;
}

/// Of a closure that returns when it is done.
#[derive(Debug)]
pub struct Plain;

/// Of a closure that returns a future.
#[derive(Debug)]
pub struct Asynchronous;

impl<F, R> StopHook<Plain> for F
where
    F: FnOnce() -> R + Send + 'static,
    R: Outcome,
{
    fn erase(self) -> Closure {
        Closure::Plain(Box::new(move || self().outcome()))
    }
}

impl<F, R> StopHook<Asynchronous> for F
where
    F: FnOnce() -> R + Send + 'static,
    R: Future + Send,
    R::Output: Outcome,
{
    fn erase(self) -> Closure {
        Closure::Asynchronous(Box::new(move || Box::pin(async move { self().await.outcome() })))
    }
}

/// Without its type.
pub enum Closure {
    /// Called on a thread of its own.
    Plain(Box<dyn FnOnce() -> Result<(), Failed> + Send>),
    /// Polled by the runtime.
    Asynchronous(Box<dyn FnOnce() -> HookFuture + Send>),
}

impl std::fmt::Debug for Closure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Closure").finish_non_exhaustive()
    }
}

/// An instance: it is taken by the call.
struct Kept(Mutex<Option<Closure>>);

/// What is known of a closure besides what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Label<'a> {
    pub(crate) name: &'a str,
    pub(crate) phase: Phase,
    pub(crate) order: i32,
    pub(crate) timeout: Duration,
    pub(crate) place: Place,
}

/// Hooks are known for ever, since reports of any time name them: closures with one label are one hook.
type Labelled = HashMap<(Label<'static>, bool), &'static ResolvedHook>;

/// Process-wide, as what the attributes declare.
static HOOKS: LazyLock<Mutex<Labelled>> = LazyLock::new(Mutex::default);

/// Has the registry call it in a shutdown. What is returned keeps its address.
pub(crate) fn insert(registry: &Mutex<Registry>, label: &Label<'_>, closure: Closure) -> Instance {
    let hook = hook(label, matches!(closure, Closure::Asynchronous(_)));
    let instance: Instance = Arc::new(Kept(Mutex::new(Some(closure))));
    lock(registry).insert(&instance, &[hook]);
    instance
}

fn hook(label: &Label<'_>, is_asynchronous: bool) -> &'static ResolvedHook {
    let mut hooks = lock(&HOOKS);
    // A key of one lifetime: the map's is covariant, and the lookup shortens it.
    let known: &HashMap<(Label<'_>, bool), &'static ResolvedHook> = &hooks;
    if let Some(hook) = known.get(&(*label, is_asynchronous)) {
        return hook;
    }
    let label = Label { name: String::from(label.name).leak(), ..*label };
    let call = if is_asynchronous { Call::Async(call_async) } else { Call::Blocking(call_plain) };
    let owner = Owner { id: TypeId::of::<Kept>(), name: label.name };
    let Label { name, phase, order, timeout, place } = label;
    let hook = Box::leak(Box::new(ResolvedHook {
        kind: HookKind::Stop,
        name,
        phase,
        order,
        timeout,
        on_hang: false,
        place,
        hook: Hook { owner: Some(owner), call },
        is_closure: true,
    }));
    hooks.insert((label, is_asynchronous), hook);
    hook
}

/// From its instance; once.
pub(crate) fn take(instance: &Instance) -> Option<Closure> {
    let kept: &Kept = instance.downcast_ref()?;
    lock(&kept.0).take()
}

fn call_plain(instance: &Option<Instance>) -> Result<(), Failed> {
    match instance.as_ref().and_then(take) {
        Some(Closure::Plain(closure)) => closure(),
        _ => Ok(()),
    }
}

fn call_async(instance: &Option<Instance>) -> Box<dyn Running + Send + '_> {
    match instance.as_ref().and_then(take) {
        Some(Closure::Asynchronous(closure)) => Box::new(Erased(closure())),
        _ => Box::new(std::future::ready(())),
    }
}

/// A future whose outcome is known already.
struct Erased(HookFuture);

impl Running for Erased {
    fn poll_outcome(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.0.as_mut().poll(context)
    }
}
