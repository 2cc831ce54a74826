//! The metrics through the facade `metrics`, for whoever has a recorder already.

use metrics::{Label, counter, describe_counter, describe_gauge, gauge};

use super::Source;
use super::values::{Family, Kind, collect};

pub(crate) fn record(source: Source) {
    for Family { name, help, kind, samples } in collect(source) {
        match kind {
            Kind::Gauge => describe_gauge!(name, help),
            Kind::Counter => describe_counter!(name, help),
        }
        for (labels, value) in samples {
            let labels: Vec<Label> =
                labels.into_iter().map(|(name, value)| Label::new(name, value)).collect();
            match kind {
                Kind::Gauge => gauge!(name, labels).set(value),
                Kind::Counter => counter!(name, labels).absolute(value as u64),
            }
        }
    }
}
