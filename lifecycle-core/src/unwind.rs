//! Panics of user code, caught where it is called and turned into a text.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// How a piece of user code ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Failed(String),
    Panicked(String),
}

impl Ended {
    fn of(result: Result<Result<(), String>, Box<dyn Any + Send>>) -> Ended {
        match result {
            Ok(Ok(())) => Ended::Well,
            Ok(Err(error)) => Ended::Failed(error),
            Err(payload) => Ended::Panicked(message(payload.as_ref())),
        }
    }
}

/// Calls a function of the user's. Nothing of ours is in an inconsistent state when it unwinds.
pub(crate) fn call(function: impl FnOnce() -> Result<(), String>) -> Ended {
    Ended::of(catch_unwind(AssertUnwindSafe(function)))
}

/// A future of the user's: its panics end it, and it is dropped before its end is told.
pub(crate) struct Caught<F> {
    future: Option<F>,
}

impl<F> Caught<F> {
    /// `make` runs here, its panic counts as the future's.
    pub(crate) fn new(make: impl FnOnce() -> F) -> Result<Caught<F>, Ended> {
        match catch_unwind(AssertUnwindSafe(make)) {
            Ok(future) => Ok(Caught { future: Some(future) }),
            Err(payload) => Err(Ended::Panicked(message(payload.as_ref()))),
        }
    }

    /// Drops the future; a panic in a destructor must not take the runtime's worker along.
    fn discard(&mut self) -> Result<(), Ended> {
        let future = self.future.take();
        catch_unwind(AssertUnwindSafe(|| drop(future)))
            .map_err(|payload| Ended::Panicked(message(payload.as_ref())))
    }
}

impl<F: Future<Output = Result<(), String>> + Unpin> Future for Caught<F> {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended> {
        let future = self.future.as_mut().expect("a future is not polled after its end");
        let ended = match catch_unwind(AssertUnwindSafe(|| Pin::new(future).poll(context))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => Ended::of(Ok(result)),
            Err(payload) => Ended::of(Err(payload)),
        };
        Poll::Ready(match (self.discard(), ended) {
            (Err(panicked), Ended::Well) => panicked,
            (_, ended) => ended,
        })
    }
}

impl<F> Drop for Caught<F> {
    fn drop(&mut self) {
        // The panic hook has printed it; a future that is aborted has no one left to tell.
        let _ = self.discard();
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic whose payload is not a text".to_owned())
}
