//! Systems without control groups.

use std::time::Duration;

pub(crate) struct Throttling;

impl Throttling {
    pub(crate) fn find() -> Throttling {
        Throttling
    }

    pub(crate) fn since_last(&mut self) -> Duration {
        Duration::ZERO
    }
}
