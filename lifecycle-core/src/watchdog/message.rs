//! What is said about a stale heartbeat. Formats without allocation.

use std::fmt::{self, Display};

use crate::watchdog::heartbeat::{BuiltIn, Heartbeat};

/// The beginning of the line on file descriptor 2.
pub(crate) const HEADLINE: &str = "CRITICAL 🚨 System Hang Detected";

/// Everything that is known of it: for the report of a hang.
#[derive(Debug)]
pub(crate) struct Stale(pub(crate) &'static Heartbeat);

/// The warning at half of the time that it may take.
#[derive(Debug)]
pub(crate) struct HalfTime(pub(crate) &'static Heartbeat);

impl Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stale(heartbeat) = self;
        let age = heartbeat.stale().as_secs_f64();
        match heartbeat.kind() {
            Some(BuiltIn::Init) => write!(f, "the `init` function has not returned for {age:.1} s"),
            Some(BuiltIn::Runtime) => write!(
                f,
                "the tokio runtime has not run a task for {age:.1} s: all its threads are blocked or spinning"
            ),
            None => {
                write!(f, "heartbeat `{}` ({})", heartbeat.name(), heartbeat.place())?;
                beats(f, heartbeat, age)?;
                position(f, heartbeat)
            }
        }
    }
}

impl Display for HalfTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HalfTime(heartbeat) = self;
        let (age, allowed) = (heartbeat.stale().as_secs_f64(), heartbeat.allowed().as_secs_f64());
        match heartbeat.kind() {
            Some(BuiltIn::Init) => write!(f, "`init`: not returned for {age:.1} s")?,
            Some(BuiltIn::Runtime) => write!(f, "tokio runtime: no task run for {age:.1} s")?,
            None => write!(f, "heartbeat `{}`: no beat for {age:.1} s", heartbeat.name())?,
        }
        write!(f, " (half of its {allowed} s timeout)")?;
        if heartbeat.kind().is_some() {
            return Ok(());
        }
        position(f, heartbeat)
    }
}

fn beats(f: &mut fmt::Formatter<'_>, heartbeat: &Heartbeat, age: f64) -> fmt::Result {
    if !heartbeat.has_beaten() {
        return write!(f, " has not beaten once in the {age:.1} s since the start");
    }
    write!(f, " has not beaten for {age:.1} s (")?;
    match heartbeat.beats() {
        1 => f.write_str("1 beat before)"),
        beats => write!(f, "{beats} beats before)"),
    }
}

fn position(f: &mut fmt::Formatter<'_>, heartbeat: &Heartbeat) -> fmt::Result {
    match heartbeat.inside() {
        None if !heartbeat.has_beaten() => Ok(()),
        None => f.write_str("; between two calls"),
        Some(inside) if *inside == heartbeat.place() => f.write_str("; inside the call"),
        Some(inside) => write!(f, "; inside the call, last at the await at {inside}"),
    }
}
