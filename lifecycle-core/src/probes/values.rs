//! The metrics: their names, what they mean, and what they are now.

use super::Source;
use crate::model::status::{HeartbeatStatus, State, Status};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    /// Its name ends with `_total`.
    Counter,
}

/// One metric, with a value for each set of labels.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    pub(super) samples: Vec<(Labels, f64)>,
}

pub(super) type Labels = Vec<(&'static str, String)>;

pub(super) fn collect(source: Source) -> Vec<Family> {
    let status = (source.status)();
    let left = if let State::BackingOff { left } = status.state { left.as_secs_f64() } else { 0.0 };
    let gauges = [
        ("lifecycle_live", "Whether no heartbeat is stale beyond its limit", flag((source.is_live)())),
        ("lifecycle_ready", "Whether the service is up and works", flag((source.is_ready)())),
        ("lifecycle_backoff_left_seconds", "How long it still waits before main runs again", left),
        ("lifecycle_uptime_seconds", "How long this run of main is up", status.uptime.as_secs_f64()),
        ("lifecycle_components", "Instances that are managed", status.components as f64),
        ("lifecycle_tasks", "Main and the tracked tasks that live", status.tasks.len() as f64),
    ];
    let mut families: Vec<Family> = gauges
        .into_iter()
        .map(|(name, help, value)| family(name, help, Kind::Gauge, vec![(Vec::new(), value)]))
        .collect();
    families.push(family("lifecycle_state", "What it does", Kind::Gauge, states(&status)));
    let runs = vec![(Vec::new(), f64::from((source.runs)()))];
    let help = "Runs of main in this process image: one more than it has crashed";
    families.push(family("lifecycle_runs_total", help, Kind::Counter, runs));
    let of_task = |(task, count): (&String, &u32)| (vec![("task", task.clone())], f64::from(*count));
    let restarts = status.restarts.iter().map(of_task).collect();
    let help = "Restarts of a task by its own rule, in this run of main";
    families.push(family("lifecycle_task_restarts_total", help, Kind::Counter, restarts));
    let ages = of_each(&status.heartbeats, |heartbeat| heartbeat.age.as_secs_f64());
    let help = "Time without a beat, to the watchdog's last tick";
    families.push(family("lifecycle_heartbeat_age_seconds", help, Kind::Gauge, ages));
    let beats = of_each(&status.heartbeats, |heartbeat| heartbeat.beats as f64);
    let help = "Beats since the process started";
    families.push(family("lifecycle_heartbeat_beats_total", help, Kind::Counter, beats));
    families
}

fn family(name: &'static str, help: &'static str, kind: Kind, samples: Vec<(Labels, f64)>) -> Family {
    Family { name, help, kind, samples }
}

fn states(status: &Status) -> Vec<(Labels, f64)> {
    let states = [
        ("running", status.state == State::Running),
        ("stopping", status.state == State::Stopping),
        ("backing_off", matches!(status.state, State::BackingOff { .. })),
    ];
    states.into_iter().map(|(state, is_it)| (vec![("state", state.to_owned())], flag(is_it))).collect()
}

/// Two heartbeats may have one name; their places differ.
fn of_each(heartbeats: &[HeartbeatStatus], value: impl Fn(&HeartbeatStatus) -> f64) -> Vec<(Labels, f64)> {
    let labels = |heartbeat: &HeartbeatStatus| {
        vec![("heartbeat", heartbeat.name.to_owned()), ("place", heartbeat.place.to_string())]
    };
    heartbeats.iter().map(|heartbeat| (labels(heartbeat), value(heartbeat))).collect()
}

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}
