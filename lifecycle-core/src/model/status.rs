//! The status: what is going on in the process right now.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::model::address::ListenAddress;
use crate::model::place::Place;
use crate::model::plan::{as_millis, as_optional_millis};
use crate::model::previous_run::PreviousRun;
use crate::model::table;

/// A poll that is worth a line.
const LONG_POLL: Duration = Duration::from_secs(1);

/// What is going on. `Display` is for people, `Serialize` for a status page.
///
/// ```
/// let status = lifecycle::status();
/// println!("{status}");
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
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
    /// How often a `#[lifecycle::task]` was restarted in this run, by its name; those that never were are left out.
    pub restarts: BTreeMap<String, u32>,
    /// Every known heartbeat, by name.
    pub heartbeats: Vec<HeartbeatStatus>,
    /// Listening sockets that are kept for a restart, in the order in which they came.
    pub sockets: Vec<SocketStatus>,
    /// The workers of the run's tokio runtime; empty where no watchdog looks at them, and for the first two seconds.
    pub workers: Vec<WorkerStatus>,
}

/// Where the service stands.
///
/// ```
/// let alive = true; // a process that answers is alive, also while it backs off
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
#[non_exhaustive]
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
    /// Whether it is out of judgement until its next beat, by [`Heartbeat::retire`](crate::Heartbeat::retire).
    pub retired: bool,
}

/// A worker of the tokio runtime, as the watchdog sees it by tokio's own counters. A runtime of the flavor `current_thread`
/// has one.
///
/// ```
/// for worker in lifecycle::status().workers {
///     println!("worker {} is busy for {:.0} % of its time", worker.index, worker.busy * 100.0);
/// }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct WorkerStatus {
    /// Its number, from 0.
    pub index: usize,
    /// Which share of the last two seconds it was busy, from 0 to 1.
    pub busy: f64,
    /// For how long it has been in one poll, to the watchdog's last tick: zero while it makes progress, and `None` while it
    /// is parked.
    #[serde(rename = "polling_ms", serialize_with = "as_optional_millis")]
    pub polling: Option<Duration>,
}

/// A listening socket that is kept, so that connections queue while main restarts. See [`listen`](crate::listen).
///
/// ```
/// for socket in lifecycle::status().sockets {
///     println!("{} at {}", socket.name.as_deref().unwrap_or("unnamed"), socket.address);
/// }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SocketStatus {
    /// The name that it was asked for by, or that systemd gave it.
    pub name: Option<String>,
    /// Where it listens.
    pub address: ListenAddress,
    /// Whether systemd passed it, and holds it itself.
    pub passed: bool,
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
        for (task, count) in &self.restarts {
            writeln!(f, "task `{task}` was restarted {count} times")?;
        }
        if let Some(previous) = &self.previous {
            writeln!(f, "{previous}")?;
        }
        if !self.sockets.is_empty() {
            let sockets: Vec<String> = self.sockets.iter().map(ToString::to_string).collect();
            writeln!(f, "listens on {}", sockets.join(", "))?;
        }
        for (worker, time) in self.workers.iter().filter_map(|worker| Some((worker.index, worker.polling?))) {
            if time >= LONG_POLL {
                writeln!(f, "worker {worker} has been in one poll for {time:.1?}")?;
            }
        }
        let rows: Vec<_> = self.heartbeats.iter().map(row).collect();
        table::write(f, ["heartbeat", "beats", "age", "declared at", "state"], &rows)
    }
}

fn row(heartbeat: &HeartbeatStatus) -> [String; 5] {
    let state = match heartbeat.inside {
        _ if heartbeat.paused => "paused".to_owned(),
        _ if heartbeat.retired => "retired".to_owned(),
        None => "between calls".to_owned(),
        Some(inside) if inside == heartbeat.place => "inside a call".to_owned(),
        Some(inside) => format!("inside a call, last at the await at {inside}"),
    };
    let place = if heartbeat.built_in { "built in".to_owned() } else { heartbeat.place.to_string() };
    [
        heartbeat.name.to_owned(),
        heartbeat.beats.to_string(),
        if heartbeat.retired { "-".to_owned() } else { format!("{:.1} s", heartbeat.age.as_secs_f64()) },
        place,
        state,
    ]
}

impl fmt::Display for SocketStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = &self.name else { return self.address.fmt(f) };
        write!(f, "{} ({name})", self.address)
    }
}
