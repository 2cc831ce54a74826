//! The status, put together from its parts.

use std::time::{Duration, Instant};

use crate::config::options::Readiness;
use crate::model::previous_run::PreviousRun;
use crate::model::status::{HeartbeatStatus, SocketStatus, State, Status, WorkerStatus};
use crate::tasks::run::Run;
use crate::watchdog::heartbeat::{self, Heartbeat};

/// A main that has run for so long counts as up, if it says nothing else.
pub(super) const UP_AFTER: Duration = Duration::from_secs(1);

/// What a manager knows.
pub(super) struct Parts<'a> {
    pub(super) run: &'a Run,
    pub(super) components: usize,
    pub(super) readiness: Readiness,
    pub(super) backing_off: Option<Instant>,
    pub(super) previous: Option<PreviousRun>,
    pub(super) sockets: Vec<SocketStatus>,
    pub(super) workers: Vec<WorkerStatus>,
}

pub(super) fn of(parts: Parts<'_>) -> Status {
    let Parts { run, components, readiness, backing_off, previous, sockets, workers } = parts;
    let uptime = run.started.elapsed();
    let state = match backing_off {
        Some(until) => State::BackingOff { left: until.saturating_duration_since(Instant::now()) },
        None if run.cause().is_some() => State::Stopping,
        None => State::Running,
    };
    let mut heartbeats: Vec<HeartbeatStatus> = heartbeat::all().map(of_heartbeat).collect();
    heartbeats.sort_by_key(|heartbeat| (heartbeat.name, heartbeat.place.line));
    let tasks = run.tasks().into_values().map(|task| task.name.to_string()).collect();
    let ready = state == State::Running && is_up(run, readiness);
    let restarts = run.restarts().into_iter().map(|(task, count)| (task.to_owned(), count)).collect();
    Status { state, ready, uptime, previous, components, tasks, restarts, heartbeats, sockets, workers }
}

/// Whether the run has come up, by its own word or by implication.
pub(super) fn is_up(run: &Run, readiness: Readiness) -> bool {
    let implied = || run.main_has_run_for() >= UP_AFTER || heartbeat::any_annotated_has_beaten();
    run.is_ready() || readiness == Readiness::Implied && implied()
}

fn of_heartbeat(heartbeat: &'static Heartbeat) -> HeartbeatStatus {
    HeartbeatStatus {
        name: heartbeat.name(),
        place: heartbeat.place(),
        built_in: heartbeat.is_built_in(),
        beats: heartbeat.beats(),
        age: heartbeat.stale(),
        inside: heartbeat.inside().copied(),
        paused: heartbeat.is_paused(),
        retired: heartbeat.is_retired(),
    }
}
