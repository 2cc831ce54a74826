//! Calls that are wrong however often they are made: a mistake in the program, which no restart mends.

use std::cell::RefCell;

use super::failure::Meaning;

thread_local! {
    /// What the newest one of this thread has panicked with.
    static NEWEST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics at the caller's place. If that ends the run, the exit code is that of a wrong configuration.
#[track_caller]
pub(crate) fn misuse(text: &str) -> ! {
    NEWEST.with(|newest| newest.replace(Some(text.to_owned())));
    panic!("{text}")
}

/// What a caught panic with this text asks for. Another text: the program has caught the panic of the misuse itself.
pub(crate) fn meaning(text: &str) -> Option<Meaning> {
    let newest = NEWEST.try_with(RefCell::take).ok().flatten()?;
    (newest == text).then_some(Meaning::Permanent)
}
