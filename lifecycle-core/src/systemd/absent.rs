//! Nobody is told.

use std::time::Duration;

pub(crate) fn start() -> Option<String> {
    None
}

pub(crate) fn ready() {}

pub(crate) fn restarting(_: &str, _: Duration) {}

pub(crate) fn stopping(_: &str, _: Duration) {}

pub(crate) fn backing_off(_: Duration) {}

pub(crate) fn reloading() {}

pub(crate) fn reloaded() {}

pub(crate) fn ping_interval() -> Option<Duration> {
    None
}

pub(crate) fn ping() {}

pub(crate) fn trigger() {}
