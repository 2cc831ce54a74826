//! Panics of user code, caught where it is called and turned into a text.

use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};

use crate::last_words;

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

/// The newest panic of a thread: only a panic hook learns its place.
struct Noted {
    text: String,
    place: String,
}

thread_local! {
    static NOTED: RefCell<Option<Noted>> = const { RefCell::new(None) };
}

/// From now on panics are noted with their place, and then go to the hook that was there before: the user's, or std's.
/// A hook that the user sets later takes part if it calls the one that it replaces; otherwise the places are not known.
pub(crate) fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            note(info);
            before(info);
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let text = text(info.payload());
    let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
    if cfg!(panic = "abort") {
        last_words::say(&format!("panicked: {} ({place})", text.replace('\n', " ")));
    }
    // Whoever panics while its thread-locals are destroyed has no one left to tell.
    let _ = NOTED.try_with(|noted| noted.replace(Some(Noted { text, place })));
}

/// The message of a caught panic, with its place if it was noted on this thread.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = text(payload);
    // Of another message: that panic was caught by the user, and this one passed no hook (`resume_unwind`).
    let noted = NOTED.try_with(RefCell::take).ok().flatten().filter(|noted| noted.text == text);
    match noted {
        Some(noted) => format!("{text} ({})", noted.place),
        None => text,
    }
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic whose payload is not a text".to_owned())
}
