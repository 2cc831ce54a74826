//! What is seen of a task from outside.

use std::fmt;
use std::time::Duration;

use super::label::NAME;
use crate::model::place::Place;
use crate::os::text::Text;

/// A task at one moment.
pub(crate) struct TaskSnapshot {
    pub(crate) name: Text<NAME>,
    pub(crate) place: Option<Place>,
    /// That polls it; 0 between polls.
    pub(crate) thread: u32,
    pub(crate) polls: u64,
    /// In this poll, or since the last.
    pub(crate) age: Age,
}

/// A time by the watchdog's ticks; unknown without a watchdog. Zeroed memory is a valid one.
#[derive(Clone, Copy)]
pub(crate) struct Age(pub(crate) Option<Duration>);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(age) => write!(f, "{:.1} s", age.as_secs_f64()),
            None => f.write_str("an unknown time"),
        }
    }
}
