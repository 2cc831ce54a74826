//! Component hooks as the attribute declares them: one `HookDeclaration` each, collected at link time.

use std::any::{Any, TypeId};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::model::outcome::{Failed, Outcome};
use crate::model::phase::Phase;
use crate::model::place::Place;

/// One `#[lifecycle::component]`, `#[lifecycle::reload]` or `#[lifecycle::task]`.
#[derive(Debug)]
pub struct HookDeclaration {
    /// Which of them.
    pub kind: HookKind,
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

/// When a hook is called.
#[derive(Clone, Copy, Debug)]
pub enum HookKind {
    /// In a shutdown, once.
    Stop,
    /// By each reload.
    Reload,
    /// Once its instance is managed: a background task. `None`: its failure ends the run.
    Task(Option<TaskRestart>),
}

/// `restart(…)` of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRestart {
    /// More failures than these within `within` end the run.
    pub max_restarts: u32,
    /// The window.
    pub within: Duration,
    /// Before the first restart; it doubles with each.
    pub wait: Duration,
    /// The longest wait.
    pub max_wait: Duration,
}

impl TaskRestart {
    /// Three restarts within a minute, after 1 s, 2 s, 4 s.
    pub const DEFAULT: TaskRestart = TaskRestart {
        max_restarts: 3,
        within: Duration::from_secs(60),
        wait: Duration::from_secs(1),
        max_wait: Duration::from_secs(60),
    };
}

/// What a method is called for; `None` for a free function.
pub(crate) type Instance = Arc<dyn Any + Send + Sync>;

pub(crate) type HookFuture = Pin<Box<dyn Future<Output = Result<(), Failed>> + Send>>;

/// A hook with its type erased, by function pointers: in a program of a thousand hooks each costs a few small functions.
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

/// How a hook is called.
pub enum Call {
    /// An `async fn`.
    Async(AsyncCall),
    /// A `fn`.
    Blocking(fn(&Option<Instance>) -> Result<(), Failed>),
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Call::Async(_) => "Async",
            Call::Blocking(_) => "Blocking",
        })
    }
}

/// Makes the future of an `async` hook, which borrows from the instance.
pub(crate) type AsyncCall = fn(&Option<Instance>) -> Box<dyn Running + Send + '_>;

/// The future of an `async fn`, whatever it returns: a table of functions and nothing around it.
pub trait Running {
    /// Polls it.
    fn poll_outcome(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Failed>>;
}

impl<F> Running for F
where
    F: Future,
    F::Output: Outcome,
{
    fn poll_outcome(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.poll(context).map(Outcome::outcome)
    }
}

/// The call of an `async` hook, with its instance.
pub(crate) fn future(call: AsyncCall, instance: Option<Instance>) -> HookFuture {
    Box::pin(async move {
        let mut running = Box::into_pin(call(&instance));
        poll_fn(|context| running.as_mut().poll_outcome(context)).await
    })
}

/// The hook that a method of a type is.
#[must_use]
pub fn method(id: TypeId, name: &'static str, call: Call) -> Hook {
    Hook { owner: Some(Owner { id, name }), call }
}

/// The hook that a free function is.
#[must_use]
pub fn function(call: Call) -> Hook {
    Hook { owner: None, call }
}

/// For `&self`. The registry pairs instances with hooks by `TypeId`, so the type always fits.
#[must_use]
pub fn instance<T: Any>(instance: &Option<Instance>) -> &T {
    // No adapter with a closure: it would be compiled for each type.
    match any(instance).downcast_ref() {
        Some(instance) => instance,
        None => misfit(),
    }
}

/// For `self: Arc<Self>`.
#[must_use]
pub fn shared<T: Any + Send + Sync>(instance: &Option<Instance>) -> Arc<T> {
    match instance.clone().map(Arc::downcast) {
        Some(Ok(instance)) => instance,
        _ => misfit(),
    }
}

fn any(instance: &Option<Instance>) -> &dyn Any {
    match instance {
        Some(instance) => &**instance,
        None => misfit(),
    }
}

fn misfit() -> ! {
    unreachable!("a hook is called with an instance of its own type")
}
