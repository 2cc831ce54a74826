//! The status: what is going on in the process right now.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::heartbeat;
use crate::lifecycle::LifecycleManager;
use crate::place::Place;
use crate::plan::as_millis;
use crate::previous::PreviousRun;
use crate::table;

/// What is going on. `Display` is for people, `Serialize` for a status page.
///
/// ```
/// let status = lifecycle::status();
/// println!("{status}");
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Where the service stands.
    pub state: State,
    /// Whether it said that it is up: by [`ready`](crate::ready), its first heartbeat, or a second of running.
    pub ready: bool,
    /// How long this run of main is up.
    #[serde(rename = "uptime_ms", serialize_with = "as_millis")]
    pub uptime: Duration,
    /// How the run before this one ended, in this process or an earlier one; `None` if the ledger knows of none.
    pub previous: Option<PreviousRun>,
    /// Instances that are managed.
    pub components: usize,
    /// Names of main and the tracked tasks that live.
    pub tasks: Vec<String>,
    /// Every known heartbeat, by name.
    pub heartbeats: Vec<HeartbeatStatus>,
}

/// Where the service stands.
///
/// ```
/// let alive = true; // whoever answers is alive, also while it backs off
/// let ready = lifecycle::status().ready;
/// assert_eq!(lifecycle::status().state, lifecycle::State::Running);
/// # let _ = (alive, ready);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Main runs.
    Running,
    /// A shutdown has begun.
    Stopping,
    /// It crashed too often and waits before the next try: alive, but not ready.
    BackingOff {
        /// How long it will still wait.
        #[serde(rename = "left_ms", serialize_with = "as_millis")]
        left: Duration,
    },
}

/// One heartbeat.
///
/// ```
/// for heartbeat in lifecycle::status().heartbeats {
///     println!("{}: {} beats, the last {:?} ago", heartbeat.name, heartbeat.beats, heartbeat.age);
/// }
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct HeartbeatStatus {
    /// Its name.
    pub name: &'static str,
    /// Where it was declared.
    pub place: Place,
    /// Whether it is the framework's own: the probe that beats from inside the runtime.
    pub built_in: bool,
    /// Beats since the process started.
    pub beats: u64,
    /// Time without a beat, to the watchdog's last tick.
    #[serde(rename = "age_ms", serialize_with = "as_millis")]
    pub age: Duration,
    /// Where its function is: `None` between calls.
    pub inside: Option<Place>,
    /// Whether a pause guard lives.
    pub paused: bool,
}

/// A main that has run for so long counts as up, if it says nothing else.
pub(crate) const UP_AFTER: Duration = Duration::from_secs(1);

impl Status {
    pub(crate) fn of(manager: &LifecycleManager) -> Status {
        let session = manager.session();
        let uptime = session.started.elapsed();
        let state = match manager.backing_off() {
            Some(until) => State::BackingOff { left: until.saturating_duration_since(Instant::now()) },
            None if session.is_stopping() => State::Stopping,
            None => State::Running,
        };
        let mut heartbeats: Vec<HeartbeatStatus> = heartbeat::all().map(HeartbeatStatus::of).collect();
        heartbeats.sort_by_key(|heartbeat| (heartbeat.name, heartbeat.place.line));
        let up = session.is_ready() || uptime >= UP_AFTER || heartbeat::any_annotated_has_beaten();
        let components = manager.registry().len();
        let tasks = session.tasks().into_values().map(|task| task.name.to_string()).collect();
        let (ready, previous) = (up && state == State::Running, manager.previous());
        Status { state, ready, uptime, previous, components, tasks, heartbeats }
    }
}

impl HeartbeatStatus {
    fn of(heartbeat: &'static heartbeat::Heartbeat) -> HeartbeatStatus {
        HeartbeatStatus {
            name: heartbeat.name(),
            place: heartbeat.place(),
            built_in: heartbeat.is_probe(),
            beats: heartbeat.beats(),
            age: heartbeat.stale(),
            inside: heartbeat.inside().copied(),
            paused: heartbeat.is_paused(),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            State::Running => f.write_str("running")?,
            State::Stopping => f.write_str("stopping")?,
            State::BackingOff { left } => write!(f, "backing off for another {left:.1?}")?,
        }
        let ready = if self.ready { "ready" } else { "not ready" };
        writeln!(
            f,
            ", {ready}, up {:.1?}, {} components, tasks: {}",
            self.uptime,
            self.components,
            self.tasks.join(", ")
        )?;
        if let Some(previous) = &self.previous {
            writeln!(f, "{previous}")?;
        }
        let rows: Vec<_> = self.heartbeats.iter().map(row).collect();
        table::write(f, ["heartbeat", "beats", "age", "declared at", "state"], &rows)
    }
}

fn row(heartbeat: &HeartbeatStatus) -> [String; 5] {
    let state = match heartbeat.inside {
        _ if heartbeat.paused => "paused".to_owned(),
        None => "between calls".to_owned(),
        Some(inside) if inside == heartbeat.place => "inside a call".to_owned(),
        Some(inside) => format!("inside a call, last at the await at {inside}"),
    };
    let place = if heartbeat.built_in { "built in".to_owned() } else { heartbeat.place.to_string() };
    [heartbeat.name.to_owned(), heartbeat.beats.to_string(), format!("{:.1?}", heartbeat.age), place, state]
}
