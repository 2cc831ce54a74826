//! No timer of the kernel's.

use std::time::Duration;

/// Does nothing on this system.
#[derive(Debug)]
pub struct FailsafeTimer;

impl FailsafeTimer {
    /// One that is not armed.
    #[must_use]
    pub const fn new(_: &'static str) -> FailsafeTimer {
        FailsafeTimer
    }

    /// Does nothing on this system.
    pub fn prepare(&'static self) {}

    /// Does nothing on this system.
    pub fn arm(&'static self, _: Duration) {}

    /// Does nothing on this system.
    pub fn disarm(&'static self) {}
}
