//! A place in the source, as messages show it: `src/db.rs:14`.

use std::fmt;
use std::panic::Location;

use serde::Serialize;

/// A file and a line of the user's code.
///
/// ```
/// let place = lifecycle::Place { file: "src/db.rs", line: 14 };
/// assert_eq!(place.to_string(), "src/db.rs:14");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    /// As the compiler was given it, so relative to the workspace.
    pub file: &'static str,
    /// Counted from 1.
    pub line: u32,
}

impl Place {
    /// Where the caller of a `#[track_caller]` function stands.
    pub(crate) const fn of(location: &'static Location<'static>) -> Place {
        Place { file: location.file(), line: location.line() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
