//! The shutdown: phase by phase, step by step, inside one deadline. `sequence` has all of it, top to bottom.

mod budget;
mod driver;
mod fallback;
mod job_queue;
mod observer;
mod progress;
mod sequence;
mod step;
mod tasks;
mod waiting;

pub(crate) use budget::Budget;
pub(crate) use observer::Observer;
#[cfg(feature = "test")]
pub(crate) use sequence::shut_down_paced;
pub(crate) use sequence::{Subject, shut_down};
pub(crate) use step::InProgress;
