//! Times as people and files write them.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serializer, de};

/// A duration as people say it: whole seconds, or milliseconds below one.
pub(crate) struct Rounded(pub(crate) Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = match self.0.as_secs() {
            0 => Duration::from_millis(u64::from(self.0.subsec_millis())),
            seconds => Duration::from_secs(seconds),
        };
        humantime::format_duration(whole).fmt(f)
    }
}

/// Years beyond 9999, which RFC 3339 cannot write, come of a clock that is broken, and are not in a ledger.
pub(crate) fn as_rfc3339<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*at))
}

pub(crate) fn from_rfc3339<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_rfc3339(&text).map_err(de::Error::custom)
}
