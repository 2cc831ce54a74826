//! Work that is no task of its own, such as a request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::place::Place;

/// What is under way.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) what: Arc<str>,
    pub(crate) place: Place,
    pub(super) since: Instant,
    /// It ends by itself, and at once, when it is cut.
    pub(super) ends_when_cut: bool,
}

impl Work {
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }
}
