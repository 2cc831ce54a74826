//! What `init` may return, and the guard that it leaves: it lives until the last line of the log was written.

use std::any::Any;
use std::fmt::Display;
use std::future::Future;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::Builder;
use std::time::Instant;

use crate::model::outcome::{Failed, Outcome};
use crate::os::lock::lock;

/// The `init` function of `#[lifecycle::main]`.
pub(super) type Init = Box<dyn FnOnce() -> Result<(), Failed> + Send>;

/// Anything whose destructor flushes: `tracing_appender`'s `WorkerGuard`, a tracer's, several of them.
type Guard = Box<dyn Any + Send>;

/// Holds the guard, once `init` has returned it.
#[derive(Clone, Default)]
pub(super) struct GuardSlot(Arc<Mutex<Option<Guard>>>);

impl GuardSlot {
    /// The function to run; it leaves its guard here.
    pub(super) fn fill_by<R: InitOutcome>(&self, init: impl FnOnce() -> R + Send + 'static) -> Init {
        let slot = self.clone();
        Box::new(move || {
            let guard = init().init_outcome()?;
            *lock(&slot.0) = guard;
            Ok(())
        })
    }

    /// Drops the guard, and waits for that until `end`: it may wait for a disk or a server.
    pub(super) fn drop_until(&self, end: Instant) {
        let Some(guard) = lock(&self.0).take() else { return };
        let (sender, dropped) = sync_channel(1);
        let work = move || {
            drop(guard);
            // Nobody waits any more if it took too long.
            let _ = sender.send(());
        };
        if Builder::new().name("lifecycle-guard".into()).spawn(work).is_ok() {
            let _ = dropped.recv_timeout(end.saturating_duration_since(Instant::now()));
        }
    }
}

/// The result of `init`.
#[diagnostic::on_unimplemented(
    message = "`init` must be a plain function that returns `()`, a guard to be kept until the end, or a `Result` of one of them: got `{Self}`",
    label = "not a valid result of an `init` function",
    note = "do async work in `main`; with `Service::init`, return a guard as `Ok::<_, std::convert::Infallible>(guard)`"
)]
pub trait InitOutcome {
    /// The guard, if there is one.
    #[doc(hidden)]
    fn init_outcome(self) -> Result<Option<Guard>, Failed>;
}

impl InitOutcome for () {
    fn init_outcome(self) -> Result<Option<Guard>, Failed> {
        Ok(None)
    }
}

impl<T: Send + 'static, E: Display> InitOutcome for Result<T, E> {
    fn init_outcome(self) -> Result<Option<Guard>, Failed> {
        let guard = match self {
            Ok(guard) => guard,
            Err(error) => return Err::<(), E>(error).outcome().map(|()| None),
        };
        Ok(Some(Box::new(guard)))
    }
}

/// A guard by itself: a blanket implementation for all types would overlap with that for `Result`.
#[derive(Debug)]
pub struct Kept<T>(T);

impl<T: Send + 'static> InitOutcome for Kept<T> {
    fn init_outcome(self) -> Result<Option<Guard>, Failed> {
        Ok(Some(Box::new(self.0)))
    }
}

/// The function that `init = …` names. Which of the three traits below has the method is decided by its return type:
/// method resolution looks at `&&&InitFunction` before it takes references off, so the first that fits wins.
#[derive(Debug)]
pub struct InitFunction<R>(pub fn() -> R);

/// Of an `async fn`: handed on as it is, to be refused in words.
pub trait ReturnsFuture<R> {
    /// The function.
    fn function(&self) -> fn() -> R;
}

impl<R: Future> ReturnsFuture<R> for &&InitFunction<R> {
    fn function(&self) -> fn() -> R {
        self.0
    }
}

/// Of a function that can fail, or leaves nothing.
pub trait ReturnsOutcome<R> {
    /// The function.
    fn function(&self) -> fn() -> R;
}

impl ReturnsOutcome<()> for &InitFunction<()> {
    fn function(&self) -> fn() {
        self.0
    }
}

impl<T, E> ReturnsOutcome<Result<T, E>> for &InitFunction<Result<T, E>> {
    fn function(&self) -> fn() -> Result<T, E> {
        self.0
    }
}

/// Of any other.
pub trait ReturnsGuard<R> {
    /// The function.
    fn function(&self) -> impl FnOnce() -> Kept<R> + Send + 'static;
}

impl<R: 'static> ReturnsGuard<R> for InitFunction<R> {
    fn function(&self) -> impl FnOnce() -> Kept<R> + Send + 'static {
        let function = self.0;
        move || Kept(function())
    }
}
