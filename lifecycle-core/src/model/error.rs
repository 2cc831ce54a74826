//! What is wrong with a configuration or a plan, and what to write instead.

use std::fmt;

/// Something that must be put right before the service can start: the process exits with 78 (`EX_CONFIG` of sysexits.h).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigError {
    text: String,
}

impl ConfigError {
    pub(crate) fn new(text: impl Into<String>) -> ConfigError {
        ConfigError { text: text.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ConfigError {}
