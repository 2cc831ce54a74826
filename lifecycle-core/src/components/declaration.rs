//! Component hooks as the attribute declares them: one `HookDeclaration` each, collected at link time.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::model::outcome::Outcome;
use crate::model::phase::Phase;
use crate::model::place::Place;

/// One `#[lifecycle::component]`.
#[derive(Debug)]
pub struct HookDeclaration {
    /// `name = "…"`, if given.
    pub name: Option<&'static str>,
    /// The annotated function.
    pub function: &'static str,
    /// When it runs.
    pub phase: Phase,
    /// When it runs inside the phase.
    pub order: i32,
    /// How long it may take.
    pub timeout: Duration,
    /// Runs before a hang ends the process, too; never `async`.
    pub on_hang: bool,
    /// Where the attribute stands.
    pub place: Place,
    /// Makes the hook. A function, since a `TypeId` is not const on stable.
    pub hook: fn() -> Hook,
}

inventory::collect!(HookDeclaration);

pub(crate) type Instance = Arc<dyn Any + Send + Sync>;
pub(crate) type HookFuture = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A hook with its type erased.
pub struct Hook {
    pub(crate) owner: Option<Owner>,
    pub(crate) call: Call,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// The type whose method a hook is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

/// `None` is passed to free functions.
pub(crate) enum Call {
    Async(Box<dyn Fn(Option<Instance>) -> HookFuture + Send + Sync>),
    Blocking(Box<dyn Fn(Option<Instance>) -> Result<(), String> + Send + Sync>),
}

impl Owner {
    fn of<T: 'static>() -> Owner {
        Owner { id: TypeId::of::<T>(), name: type_name::<T>() }
    }
}

/// The registry pairs instances with hooks by `TypeId`, so the type always fits.
fn cast<T: Send + Sync + 'static>(instance: Option<Instance>) -> Arc<T> {
    instance
        .and_then(|instance| instance.downcast().ok())
        .expect("a hook is called with an instance of its own type")
}

/// The hook of an `async fn close(&self)`.
pub fn async_method<T, F, Fut>(call: F) -> Hook
where
    T: Send + Sync + 'static,
    F: Fn(Arc<T>) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Outcome,
{
    Hook {
        owner: Some(Owner::of::<T>()),
        call: Call::Async(Box::new(move |instance| {
            let instance = cast(instance);
            Box::pin(async move { call(instance).await.outcome() })
        })),
    }
}

/// The hook of a `fn close(&self)`.
pub fn method<T, F, R>(call: F) -> Hook
where
    T: Send + Sync + 'static,
    F: Fn(Arc<T>) -> R + Send + Sync + 'static,
    R: Outcome,
{
    Hook {
        owner: Some(Owner::of::<T>()),
        call: Call::Blocking(Box::new(move |instance| call(cast(instance)).outcome())),
    }
}

/// The hook of an `async fn` without parameters.
pub fn async_function<F, Fut>(call: F) -> Hook
where
    F: Fn() -> Fut + Send + Sync + Copy + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Outcome,
{
    Hook {
        owner: None,
        call: Call::Async(Box::new(move |_| Box::pin(async move { call().await.outcome() }))),
    }
}

/// The hook of a `fn` without parameters.
pub fn function<F, R>(call: F) -> Hook
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Outcome,
{
    Hook { owner: None, call: Call::Blocking(Box::new(move |_| call().outcome())) }
}
