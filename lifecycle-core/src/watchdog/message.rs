//! What is said about a stale heartbeat. Formats without allocation.

use std::fmt::{self, Display};
use std::time::Duration;

use crate::watchdog::call_state;
use crate::watchdog::heartbeat::{Heartbeat, Kind};

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
            Kind::Init => write!(f, "the `init` function has not returned for {age:.1} s"),
            Kind::Runtime => write!(
                f,
                "the tokio runtime has not run a task for {age:.1} s: all its threads are blocked or spinning"
            ),
            Kind::Annotated | Kind::Manual => {
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
            Kind::Init => write!(f, "`init`: not returned for {age:.1} s")?,
            Kind::Runtime => write!(f, "tokio runtime: no task run for {age:.1} s")?,
            Kind::Annotated | Kind::Manual => {
                write!(f, "heartbeat `{}`: no beat for {age:.1} s{}", heartbeat.name(), Calls(heartbeat))?;
            }
        }
        write!(f, " (half of its {allowed} s timeout)")?;
        if heartbeat.is_built_in() {
            return Ok(());
        }
        position(f, heartbeat)
    }
}

fn beats(f: &mut fmt::Formatter<'_>, heartbeat: &'static Heartbeat, age: f64) -> fmt::Result {
    if !heartbeat.has_beaten() {
        return write!(f, " has not beaten once in the {age:.1} s since the start");
    }
    write!(f, " has not beaten for {age:.1} s{} (", Calls(heartbeat))?;
    match heartbeat.beats() {
        1 => f.write_str("1 beat before)"),
        beats => write!(f, "{beats} beats before)"),
    }
}

fn position(f: &mut fmt::Formatter<'_>, heartbeat: &'static Heartbeat) -> fmt::Result {
    match heartbeat.inside() {
        None if !heartbeat.has_beaten() || heartbeat.kind() == Kind::Manual => Ok(()),
        None => f.write_str("; between two calls"),
        Some(inside) if *inside == heartbeat.place() => f.write_str("; inside the call"),
        Some(inside) => write!(f, "; inside the call, last at the await at {inside}"),
    }
}

/// Ages are in milliseconds.
const ROUNDED: Duration = Duration::from_millis(1);

/// Which of its calls are stuck, if others beat.
struct Calls(&'static Heartbeat);

impl Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Calls(heartbeat) = self;
        let is_late = |age: Duration| age.saturating_add(ROUNDED).saturating_mul(2) >= heartbeat.allowed();
        if !is_late(heartbeat.stale()) || is_late(heartbeat.quiet()) {
            return Ok(());
        }
        let (all, late) = call_state::of(heartbeat)
            .fold((0, 0), |(all, late): (u32, u32), call| (all + 1, late + u32::from(is_late(call.age))));
        match all.checked_sub(late) {
            _ if late == 0 => Ok(()),
            Some(1..) => write!(f, " in {late} of its {all} calls, while the others beat"),
            _ if late == 1 => f.write_str(" in one call, while other calls of it come and go"),
            _ => write!(f, " in {late} calls, while other calls of it come and go"),
        }
    }
}
