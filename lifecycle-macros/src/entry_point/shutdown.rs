//! The options of `#[main]` about when a service is up, and how it stops.

use std::time::Duration;

use crate::duration::AtLeast;
use crate::options::{Options, not_above};

const READY: [&str; 2] = ["implied", "explicit"];

const ON_HANGUP: [&str; 3] = ["stop", "reload", "ignore"];

const PANIC: [&str; 2] = ["end", "report"];

/// What was not written is left to the runtime's defaults.
pub(super) struct Shutdown {
    pub(super) shutdown_timeout: Option<Duration>,
    pub(super) drain: Option<Duration>,
    pub(super) drain_delay: Option<Duration>,
    pub(super) ready: Option<&'static str>,
    pub(super) on_hangup: Option<&'static str>,
    pub(super) panic: Option<&'static str>,
}

impl Shutdown {
    pub(super) fn parse(options: &mut Options<'_>) -> Shutdown {
        let whole = options.duration("shutdown_timeout", AtLeast::Positive);
        let mut part = |key| {
            let part = options.duration(key, AtLeast::Zero);
            not_above(options, (key, part), ("shutdown_timeout", whole));
            part.map(|(time, _)| time)
        };
        Shutdown {
            drain: part("drain"),
            drain_delay: part("drain_delay"),
            shutdown_timeout: whole.map(|(time, _)| time),
            ready: options.choice("ready", &READY),
            on_hangup: options.choice("on_hangup", &ON_HANGUP),
            panic: options.choice("panic", &PANIC),
        }
    }
}
