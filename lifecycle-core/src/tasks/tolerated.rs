//! Panics that the program catches by itself.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

thread_local! {
    /// Guards that live on this thread.
    static GUARDS: Cell<usize> = const { Cell::new(0) };
}

/// Panics on this thread are the program's own until this is dropped: see [`tolerate_panics`].
///
/// ```
/// let tolerated: lifecycle::PanicsTolerated = lifecycle::tolerate_panics();
/// drop(tolerated);
/// ```
#[must_use = "panics are tolerated until this is dropped"]
pub struct PanicsTolerated {
    /// It counts for one thread, so it may not leave it.
    _not_send: PhantomData<*const ()>,
}

/// For code that catches its panics: until the guard is dropped, a panic on this thread neither ends the run, as
/// `#[lifecycle::main(panic = "end")]` has it, nor is warned about. The guard cannot be held over an `.await` of a task.
///
/// ```
/// fn parse(text: &str) -> Option<u32> {
///     let _tolerated = lifecycle::tolerate_panics();
///     std::panic::catch_unwind(|| text.parse().unwrap()).ok()
/// }
///
/// assert_eq!(parse("x"), None);
/// ```
pub fn tolerate_panics() -> PanicsTolerated {
    GUARDS.set(GUARDS.get() + 1);
    PanicsTolerated { _not_send: PhantomData }
}

/// Whether a guard lives on this thread.
pub(super) fn is_tolerated() -> bool {
    // A thread whose thread-locals are being destroyed holds none any more.
    GUARDS.try_with(Cell::get).is_ok_and(|guards| guards > 0)
}

impl Drop for PanicsTolerated {
    fn drop(&mut self) {
        let _ = GUARDS.try_with(|guards| guards.set(guards.get() - 1));
    }
}

impl fmt::Debug for PanicsTolerated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanicsTolerated").finish_non_exhaustive()
    }
}
