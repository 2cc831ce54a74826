//! The options of `#[main]` about when a service is up, and how it stops.

use std::net::SocketAddr;
use std::time::Duration;

use syn::LitStr;

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
    pub(super) probes: Option<LitStr>,
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
        let (drain, drain_delay) = (part("drain"), part("drain_delay"));
        let is_ready_written = options.key("ready").is_some();
        Shutdown {
            drain,
            drain_delay,
            shutdown_timeout: whole.map(|(time, _)| time),
            ready: options.choice("ready", &READY),
            probes: probes(options, is_ready_written),
            on_hangup: options.choice("on_hangup", &ON_HANGUP),
            panic: options.choice("panic", &PANIC),
        }
    }
}

/// A platform trusts what they say, so somebody must have decided when the service is up.
fn probes(options: &mut Options<'_>, is_ready_written: bool) -> Option<LitStr> {
    let key = options.key("probes")?;
    let address = options.text("probes")?;
    let text = address.value();
    if !text.starts_with("unix:/") && text.parse::<SocketAddr>().is_err() {
        let message = format!(
            "option `probes` must be an IP address and a port, or `unix:` and a path: got `{text:?}`, write e.g. \
             `probes = \"0.0.0.0:8080\"` or `\"unix:/run/app/probes.sock\"`"
        );
        options.errors.at(&address, message);
    } else if !is_ready_written {
        let message = "option `probes` must be written with `ready`: write `ready = \"explicit\"` and call \
            `lifecycle::ready()`, or `ready = \"implied\"` if the service is up after a second";
        options.errors.at(&address, message);
    } else if !cfg!(feature = "http") {
        let message = "option `probes` must be used with the feature `http` of lifecycle: write \
            `lifecycle = { features = [\"http\"], … }` in Cargo.toml";
        options.errors.at_span(key, message);
    }
    Some(address)
}
