//! What user code may return, and its text when it failed.

use std::fmt::{Debug, Display};

use super::chain;
use super::failure::{self, Meaning};

/// An error of the user's once it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What it said.
    pub(crate) text: String,
    /// What was alive of failures with a meaning just before it was dropped, itself included.
    pub(crate) meaning: Option<Meaning>,
}

impl Failed {
    fn new<E>(error: E, text: impl FnOnce(&E) -> String) -> Failed {
        let text = text(&error);
        let meaning = failure::alive();
        drop(error);
        Failed { text, meaning }
    }
}

/// The result of a hook or a tracked task.
#[diagnostic::on_unimplemented(
    message = "a component hook, `init` function or tracked task must return `()` or `Result<(), E>` where `E: Display`: got `{Self}`",
    label = "must be `()` or `Result<(), E>`",
    note = "leave the return type out, or write `-> anyhow::Result<()>`; what else it makes must be used up inside"
)]
pub trait Outcome {
    /// The result with the text for the report.
    ///
    /// # Errors
    /// Of the error `{:#}`, so that anyhow's chain is seen, each text of it once.
    fn outcome(self) -> Result<(), Failed>;
}

impl Outcome for () {
    fn outcome(self) -> Result<(), Failed> {
        Ok(())
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn outcome(self) -> Result<(), Failed> {
        self.map_err(|error| Failed::new(error, |error| chain::once(format!("{error:#}"))))
    }
}

/// Names `!` on stable: a future that loops for ever has it as its output from edition 2024 on.
pub trait Returns {
    /// What the function returns.
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}

impl Outcome for <fn() -> ! as Returns>::Output {
    fn outcome(self) -> Result<(), Failed> {
        self
    }
}

/// The result of `main`, printed as std's main prints it.
#[diagnostic::on_unimplemented(
    message = "`main` under `#[lifecycle::main]` must return `()` or `Result<(), E>` where `E: Debug`: got `{Self}`",
    label = "must be `()` or `Result<(), E>`",
    note = "write `async fn main()` or `async fn main() -> anyhow::Result<()>`"
)]
pub trait MainOutcome {
    /// `Err` carries `{:?}` of the error, each text of anyhow's chain once.
    fn main_outcome(self) -> Result<(), Failed>;
}

impl MainOutcome for () {
    fn main_outcome(self) -> Result<(), Failed> {
        Ok(())
    }
}

impl<E: Debug> MainOutcome for Result<(), E> {
    fn main_outcome(self) -> Result<(), Failed> {
        self.map_err(|error| Failed::new(error, |error| chain::debug_once(format!("{error:?}"))))
    }
}

impl MainOutcome for <fn() -> ! as Returns>::Output {
    fn main_outcome(self) -> Result<(), Failed> {
        self
    }
}
