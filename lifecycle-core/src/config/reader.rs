//! How a variable of the environment becomes a value, or an error that names both.

use std::ffi::OsString;
use std::time::Duration;

use super::duration;
use super::options::SHORTEST_LIMIT;
use crate::model::error::ConfigError;

pub(super) struct Reader<'a> {
    pub(super) env: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) executable: &'a str,
    pub(super) errors: Vec<ConfigError>,
}

impl Reader<'_> {
    pub(super) fn get(&self, name: &str) -> Option<OsString> {
        (self.env)(name).filter(|value| !value.is_empty())
    }

    /// The variable's text through `parse`, or `default` where it is not set or wrong.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let Some(value) = self.get(name) else { return default };
        let text = value.to_string_lossy();
        parse(text.trim()).unwrap_or_else(|wrong| {
            self.errors.push(ConfigError::new(format!("{name}={text}: {wrong}")));
            default
        })
    }

    pub(super) fn duration(&mut self, name: &str, default: Duration) -> Duration {
        self.value(name, default, duration::parse)
    }

    pub(super) fn positive(&mut self, name: &str, default: Duration) -> Duration {
        self.value(name, default, |text| match duration::parse(text)? {
            Duration::ZERO => Err("must be longer than zero: write for example \"30s\"".into()),
            duration => Ok(duration),
        })
    }

    /// Of the watchdog.
    pub(super) fn limit(&mut self, name: &str, default: Duration) -> Duration {
        self.value(name, default, |text| match duration::parse(text)? {
            duration if duration < SHORTEST_LIMIT => {
                Err(format!("must be at least {SHORTEST_LIMIT:?}: a busy machine misses less by itself"))
            }
            duration => Ok(duration),
        })
    }

    /// Where a value is from, for a message: the variable, or else the attribute's option.
    pub(super) fn source(&self, name: &str, option: &str, value: &str) -> String {
        match self.get(name) {
            Some(_) => format!("{name}={value}"),
            None => format!("option `{}`", option.replace('…', &format!("\"{value}\""))),
        }
    }

    pub(super) fn number(&mut self, name: &str, default: u32, least: u32) -> u32 {
        self.value(name, default, |text| match text.parse() {
            Ok(number) if number >= least => Ok(number),
            _ => Err(format!("must be a whole number from {least} to {}", u32::MAX)),
        })
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, name: &str, default: T, words: &[(&str, T)]) -> T {
        self.value(name, default, |text| {
            let known = words.iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
            let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            known.map(|(_, value)| *value).ok_or_else(|| format!("must be {}", alternatives(&quoted)))
        })
    }

    /// `longer` is what somebody who writes a time here meant to add to the name.
    pub(super) fn switch(&mut self, name: &str, default: bool, longer: &str) -> bool {
        self.value(name, default, |text| match text.to_ascii_lowercase().as_str() {
            "1" | "on" | "true" | "yes" => Ok(true),
            "0" | "off" | "false" | "no" => Ok(false),
            _ if !longer.is_empty() && humantime::parse_duration(text).is_ok() => {
                Err(format!("must be \"on\" or \"off\": for a time set {name}{longer}"))
            }
            _ => Err("must be \"on\" or \"off\"".into()),
        })
    }
}

/// `"a", "b" or "c"`.
fn alternatives(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}
