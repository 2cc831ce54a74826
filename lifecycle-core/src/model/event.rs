//! One record of the log: a text for people, and beside it fields for machines.

use super::place::Place;

/// How much it matters. Warnings and worse reach stderr without a subscriber; a notice does too, since it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Notice,
    Warn,
    Error,
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) level: Level,
    pub(crate) text: String,
    pub(crate) fields: Fields,
}

/// What a record is about; the log leaves out what is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) cause: Option<String>,
    pub(crate) exit_code: Option<u8>,
    pub(crate) took_ms: Option<u64>,
    pub(crate) age_ms: Option<u64>,
    pub(crate) hook: Option<&'static str>,
    pub(crate) phase: Option<&'static str>,
    pub(crate) order: Option<i32>,
    pub(crate) task: Option<String>,
    pub(crate) heartbeat: Option<&'static str>,
    /// Of a hang report.
    pub(crate) suspect: Option<String>,
    /// One word: how a hook or task ended.
    pub(crate) result: Option<&'static str>,
    pub(crate) error: Option<String>,
    pub(crate) place: Option<Place>,
}

impl Event {
    /// Without fields.
    pub(crate) fn new(level: Level, text: impl Into<String>) -> Event {
        Event { level, text: text.into(), fields: Fields::default() }
    }

    pub(crate) fn with(self, fields: Fields) -> Event {
        Event { fields, ..self }
    }
}
