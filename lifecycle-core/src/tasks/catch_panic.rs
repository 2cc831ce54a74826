//! Panics of user code, caught where it is called and turned into a text.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::Pin;
use std::sync::{Once, OnceLock};
use std::task::{Context, Poll};

use super::tolerated::is_tolerated;
use super::tracked::CURRENT;
use crate::model::misuse;
use crate::model::outcome::Failed;
use crate::os::crash_marker;
use crate::os::text::prefix;

/// How a piece of user code ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Failed(Failed),
    Panicked(Failed),
}

impl Ended {
    fn of(result: Result<Result<(), Failed>, Box<dyn Any + Send>>) -> Ended {
        match result {
            Ok(Ok(())) => Ended::Well,
            Ok(Err(failed)) => Ended::Failed(Failed { text: presentable(&failed.text), ..failed }),
            Err(payload) => Ended::Panicked(panicked(payload)),
        }
    }
}

/// Calls code of the user's whose panic has no consequence: the panic hook has printed it.
pub(crate) fn quietly(function: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(function)) {
        discard(payload);
    }
}

/// A payload may panic when it is dropped, and so may what that panic carries: the last one is leaked.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

/// Bytes of an error's text that are kept.
const LONGEST: usize = 16 << 10;

/// A text of the user's as logs, reports and the ledger may show it: not too long, and without control characters,
/// which would move a terminal's cursor; line feeds and tabs stay.
pub(crate) fn presentable(text: &str) -> String {
    let kept = prefix(text, LONGEST);
    let mut clean = String::with_capacity(kept.len());
    for char in kept.chars() {
        if char.is_control() && char != '\n' && char != '\t' {
            clean.extend(char.escape_default());
        } else {
            clean.push(char);
        }
    }
    if kept.len() < text.len() {
        clean.push_str(&format!("… ({} bytes in all)", text.len()));
    }
    clean
}

/// Calls a function of the user's. Nothing of ours is in an inconsistent state when it unwinds.
pub(crate) fn call(function: impl FnOnce() -> Result<(), Failed>) -> Ended {
    Ended::of(catch_unwind(AssertUnwindSafe(function)))
}

/// A future of the user's: its panics end it, and it is dropped before its end is reported.
pub(crate) struct Caught<F> {
    future: Option<F>,
}

impl<F> Caught<F> {
    pub(crate) fn of(future: F) -> Caught<F> {
        Caught { future: Some(future) }
    }

    /// `make` runs here, its panic counts as the future's.
    pub(crate) fn new(make: impl FnOnce() -> F) -> Result<Caught<F>, Ended> {
        match catch_unwind(AssertUnwindSafe(make)) {
            Ok(future) => Ok(Caught::of(future)),
            Err(payload) => Err(Ended::Panicked(panicked(payload))),
        }
    }

    /// Drops the future; a panic in a destructor must not take the runtime's worker along.
    fn discard(&mut self) -> Result<(), Ended> {
        let future = self.future.take();
        catch_unwind(AssertUnwindSafe(|| drop(future))).map_err(|payload| Ended::Panicked(panicked(payload)))
    }
}

impl<F: Future<Output = Result<(), Failed>> + Unpin> Future for Caught<F> {
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

/// What follows from a panic that no tracked task will report, with its text and place.
pub(crate) type OnUntracked = fn(&str);

static ON_UNTRACKED: OnceLock<OnUntracked> = OnceLock::new();

/// To be called once, before panics are noted.
pub(crate) fn on_untracked_panic(follow: OnUntracked) {
    let _ = ON_UNTRACKED.set(follow);
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
            follow(info);
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let text = text(info.payload());
    let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
    if cfg!(panic = "abort") {
        crash_marker::note(&format!("panicked: {} ({place})", text.replace('\n', " ")));
    }
    // A thread whose thread-locals are being destroyed has nobody left to report to.
    let _ = NOTED.try_with(|noted| noted.replace(Some(Noted { text, place })));
}

/// A panic of a plain tokio task, or of a thread that is not ours.
fn follow(info: &PanicHookInfo<'_>) {
    let is_ours = || std::thread::current().name().is_some_and(|name| name.starts_with("lifecycle-"));
    if CURRENT.try_with(Cell::get).ok().flatten().is_some() || is_tolerated() || is_ours() {
        return;
    }
    if let (Some(follow), Some(place)) = (ON_UNTRACKED.get(), info.location()) {
        follow(&format!("{} ({}:{})", presentable(&text(info.payload())), place.file(), place.line()));
    }
}

/// The message of a caught panic, with its place if it was noted on this thread.
#[cfg(feature = "test")]
pub(crate) fn message(payload: Box<dyn Any + Send>) -> String {
    panicked(payload).text
}

/// With what it asks for.
fn panicked(payload: Box<dyn Any + Send>) -> Failed {
    let text = text(payload.as_ref());
    let meaning = misuse::meaning(&text);
    discard(payload);
    // Of another message: that panic was caught by the user, and this one passed no hook (`resume_unwind`).
    let noted = NOTED.try_with(RefCell::take).ok().flatten().filter(|noted| noted.text == text);
    let text = presentable(&text);
    let text = noted.map_or(text.clone(), |noted| format!("{text} ({})", noted.place));
    Failed { text, meaning }
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic whose payload is not a text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_users_are_cut_and_escaped() {
        assert_eq!(presentable("no route\n\tto host"), "no route\n\tto host");
        assert_eq!(presentable("\u{1b}[2J\0"), "\\u{1b}[2J\\u{0}");
        let long = "ü".repeat(1 << 20);
        let cut = presentable(&long);
        assert!(cut.len() < LONGEST + 50 && cut.ends_with("… (2097152 bytes in all)"));
    }

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("in drop"));
        }
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_a_panic_like_any_other() {
        let ended = call(|| std::panic::panic_any(Bomb));
        let text = "a panic whose payload is not a text".to_owned();
        assert_eq!(ended, Ended::Panicked(Failed { text, meaning: None }));
    }
}
