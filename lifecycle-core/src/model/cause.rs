//! Why a run ends: the first cause wins.

use std::fmt;

use serde::Serialize;

/// Why a run of main ended.
///
/// ```
/// use lifecycle::Cause;
///
/// assert!(Cause::MainFailed("no route".into()).is_failure());
/// assert!(!Cause::Requested("the books are closed".into()).is_failure());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A signal asked for it.
    Signal(Signal),
    /// `lifecycle::shutdown` was called, with this reason.
    Requested(String),
    /// Main returned `()` or `Ok`.
    MainReturned,
    /// Main returned `Err`, with this `{:?}`.
    MainFailed(String),
    /// Main panicked, with this message.
    MainPanicked(String),
    /// A tracked task returned `Err`.
    TaskFailed {
        /// Its name.
        task: String,
        /// `{:#}` of the error.
        error: String,
    },
    /// A tracked task panicked.
    TaskPanicked {
        /// Its name.
        task: String,
        /// The panic's message.
        message: String,
    },
}

impl Cause {
    /// Whether the run failed: it counts as a crash, and main is run again.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !matches!(self, Cause::Signal(_) | Cause::Requested(_) | Cause::MainReturned)
    }

    /// One line for the ledger: with the text of the error, newlines folded, at most 500 characters.
    pub(crate) fn summary(&self) -> String {
        let text = match self {
            Cause::MainFailed(error) => format!("main failed: {error}"),
            Cause::MainPanicked(message) => format!("main panicked: {message}"),
            other => other.to_string(),
        };
        // With RUST_BACKTRACE anyhow adds its own behind the chain.
        let text = text.split("Stack backtrace:").next().unwrap_or_default();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        words.chars().take(500).collect()
    }
}

/// Main's own error is left out: it has been printed by then, as std prints it.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Signal(signal) => signal.fmt(f),
            Cause::Requested(reason) => write!(f, "requested: {reason}"),
            Cause::MainReturned => f.write_str("main returned"),
            Cause::MainFailed(_) => f.write_str("main failed"),
            Cause::MainPanicked(_) => f.write_str("main panicked"),
            Cause::TaskFailed { task, error } => write!(f, "task `{task}` failed: {error}"),
            Cause::TaskPanicked { task, message } => write!(f, "task `{task}` panicked: {message}"),
        }
    }
}

/// A signal that ends a service.
///
/// ```
/// use lifecycle::{Cause, Signal};
///
/// assert_eq!(Cause::Signal(Signal::Terminate).to_string(), "SIGTERM");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Signal {
    /// SIGTERM, what platforms send; on Windows, closing the console.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGHUP: the terminal went away.
    Hangup,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Terminate => "SIGTERM",
            Signal::Interrupt => "SIGINT (Ctrl-C)",
            Signal::Hangup => "SIGHUP",
        })
    }
}
