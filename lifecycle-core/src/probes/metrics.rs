//! The metrics as Prometheus text, collected when they are asked for.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::Source;
use super::values::{Family, Kind, collect};

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
        for family in collect(*self) {
            encode_family(&mut encoder, &family)?;
        }
        Ok(())
    }
}

fn encode_family(encoder: &mut DescriptorEncoder<'_>, family: &Family) -> fmt::Result {
    let Family { name, help, kind, samples } = family;
    // The encoder adds what a counter's name ends with.
    let name = name.strip_suffix("_total").unwrap_or(name);
    let metric_type = if *kind == Kind::Counter { MetricType::Counter } else { MetricType::Gauge };
    let mut metric = encoder.encode_descriptor(name, help, None, metric_type)?;
    if let [(labels, value)] = samples.as_slice()
        && labels.is_empty()
    {
        return encode_value(*kind, *value, metric);
    }
    for (labels, value) in samples {
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
        encode_value(*kind, *value, metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn encode_value(kind: Kind, value: f64, encoder: MetricEncoder<'_>) -> fmt::Result {
    match kind {
        Kind::Gauge => ConstGauge::new(value).encode(encoder),
        Kind::Counter => ConstCounter::new(value as u64).encode(encoder),
    }
}
