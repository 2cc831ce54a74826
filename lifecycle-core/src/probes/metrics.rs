//! The metrics, collected when they are asked for.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::Source;
use crate::model::status::{HeartbeatStatus, State};

/// The text format of Prometheus.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn encode(source: Source) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(source));
    let mut text = String::new();
    // A String takes everything.
    let _ = prometheus_client::encoding::prometheus_text::encode(&mut text, &registry);
    text
}

impl Collector for Source {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = (self.status)();
        let mut gauge = |name, help, value: f64| {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
        };
        gauge("lifecycle_live", "Whether no heartbeat is stale beyond its limit", flag((self.is_live)()))?;
        gauge("lifecycle_ready", "Whether the service is up and works", flag((self.is_ready)()))?;
        let left = if let State::BackingOff { left } = status.state { left.as_secs_f64() } else { 0.0 };
        gauge("lifecycle_backoff_left_seconds", "How long it still waits before main runs again", left)?;
        let uptime = status.uptime.as_secs_f64();
        gauge("lifecycle_uptime_seconds", "How long this run of main is up", uptime)?;
        gauge("lifecycle_components", "Instances that are managed", status.components as f64)?;
        gauge("lifecycle_tasks", "Main and the tracked tasks that live", status.tasks.len() as f64)?;

        let states = [
            ("running", status.state == State::Running),
            ("stopping", status.state == State::Stopping),
            ("backing_off", matches!(status.state, State::BackingOff { .. })),
        ];
        let mut family =
            encoder.encode_descriptor("lifecycle_state", "What it does", None, MetricType::Gauge)?;
        for (state, is_it) in states {
            ConstGauge::new(flag(is_it)).encode(family.encode_family(&[("state", state)])?)?;
        }
        let runs = encoder.encode_descriptor(
            "lifecycle_runs",
            "Runs of main in this process image: one more than it has crashed",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(u64::from((self.runs)())).encode(runs)?;
        self.encode_tasks(&mut encoder, &status.restarts)?;
        self.encode_heartbeats(&mut encoder, &status.heartbeats)
    }
}

impl Source {
    fn encode_tasks(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        restarts: &std::collections::BTreeMap<String, u32>,
    ) -> fmt::Result {
        let help = "Restarts of a task by its own rule, in this run of main";
        let mut family =
            encoder.encode_descriptor("lifecycle_task_restarts", help, None, MetricType::Counter)?;
        for (task, count) in restarts {
            let counter = ConstCounter::new(u64::from(*count));
            counter.encode(family.encode_family(&[("task", task.as_str())])?)?;
        }
        Ok(())
    }

    fn encode_heartbeats(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        heartbeats: &[HeartbeatStatus],
    ) -> fmt::Result {
        let (name, help) =
            ("lifecycle_heartbeat_age_seconds", "Time without a beat, to the watchdog's last tick");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for heartbeat in heartbeats {
            add(&mut family, heartbeat, &ConstGauge::new(heartbeat.age.as_secs_f64()))?;
        }
        let (name, help) = ("lifecycle_heartbeat_beats", "Beats since the process started");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for heartbeat in heartbeats {
            add(&mut family, heartbeat, &ConstCounter::new(heartbeat.beats))?;
        }
        Ok(())
    }
}

/// Two heartbeats may have one name; their places differ.
fn add(
    family: &mut MetricEncoder<'_>,
    heartbeat: &HeartbeatStatus,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    let place = heartbeat.place.to_string();
    let labels = [("heartbeat", heartbeat.name), ("place", place.as_str())];
    metric.encode(family.encode_family(&labels)?)
}

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}
