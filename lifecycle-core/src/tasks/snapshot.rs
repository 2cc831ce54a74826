//! What is seen of a task from outside.

pub(crate) use lifecycle_os::clock::Age;

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
    /// In this poll, or since the last, by the watchdog's ticks; unknown without a watchdog.
    pub(crate) age: Age,
}
