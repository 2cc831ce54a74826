//! The verdict: its words, and the end of the process.

use std::fmt::{self, Display};

use crate::heartbeat::Heartbeat;

/// `CRITICAL 🚨 System Hang Detected`, for file descriptor 2.
pub(crate) const HEADLINE: &str = "CRITICAL 🚨 System Hang Detected";

/// What is known of a heartbeat that is stale. Formats without allocation.
pub(crate) struct Stale(pub(crate) &'static Heartbeat);

impl Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stale(heartbeat) = self;
        let (name, place) = (heartbeat.name(), heartbeat.place());
        let age = heartbeat.stale().as_secs_f64();
        if std::ptr::eq(*heartbeat, &raw const super::INIT) {
            return write!(f, "the `init` function has not returned for {age:.1} s");
        }
        if heartbeat.is_probe() {
            return write!(
                f,
                "the tokio runtime has not run a task for {age:.1} s: all its threads are blocked or spinning"
            );
        }
        if heartbeat.has_beaten() {
            write!(
                f,
                "heartbeat `{name}` ({place}) has not beaten for {age:.1} s ({} beats before)",
                heartbeat.beats()
            )?;
        } else {
            write!(f, "heartbeat `{name}` ({place}) has not beaten once in the {age:.1} s since the start")?;
        }
        match heartbeat.inside() {
            None if !heartbeat.has_beaten() => Ok(()),
            None => f.write_str("; between two calls"),
            Some(inside) if *inside == place => f.write_str("; inside the call, before its first await"),
            Some(inside) => write!(f, "; inside the call, last at the await at {inside}"),
        }
    }
}

/// The warning at half of the limit.
pub(crate) fn half_time(heartbeat: &'static Heartbeat) -> String {
    format!("half of the watchdog's time is over: {}", Stale(heartbeat))
}

/// The verdict for `tracing`; the headline's CRITICAL is its level there.
pub(crate) fn hang(heartbeat: &'static Heartbeat) -> String {
    format!("🚨 System Hang Detected: {}", Stale(heartbeat))
}
