//! Durations of the environment: read, or refused in words that say what to write.

use std::time::Duration;

use humantime::DurationError::{NumberOverflow, UnknownUnit};

/// Longer times are a mistake, and would overflow a clock.
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);

pub(super) fn parse(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        Ok(_) | Err(NumberOverflow) => Err("must be at most ten years".into()),
        Err(_) if text.starts_with('-') => Err("must not be negative: write for example \"5s\"".into()),
        Err(UnknownUnit { unit, .. }) if unit.is_empty() => Err(format!(
            "has no unit: write \"{text}s\" for seconds, or \"{text}ms\", \"{text}m\", \"{text}h\""
        )),
        Err(UnknownUnit { unit, .. }) => Err(unknown_unit(text, &unit)),
        Err(_) => Err("is no duration: write numbers with their units, such as \"90s\" or \"1m 30s\"".into()),
    }
}

fn unknown_unit(text: &str, unit: &str) -> String {
    let lower = text.to_lowercase();
    let write = match humantime::parse_duration(&lower) {
        Ok(_) => format!("write \"{lower}\""),
        Err(_) => "write ms, s, m, h or d, such as \"90s\" or \"1m 30s\"".to_owned(),
    };
    format!("\"{unit}\" is no unit of time: {write}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_in_words_with_what_to_write() {
        for (text, says) in [
            ("30", "has no unit: write \"30s\" for seconds, or \"30ms\", \"30m\", \"30h\""),
            ("1m 30", "has no unit: write \"1m 30s\" for seconds, or \"1m 30ms\", \"1m 30m\", \"1m 30h\""),
            ("-5s", "must not be negative: write for example \"5s\""),
            ("90 SEC", "\"SEC\" is no unit of time: write \"90 sec\""),
            (
                "5 parsecs",
                "\"parsecs\" is no unit of time: write ms, s, m, h or d, such as \"90s\" or \"1m 30s\"",
            ),
            ("soon", "is no duration: write numbers with their units, such as \"90s\" or \"1m 30s\""),
            ("1,5s", "is no duration: write numbers with their units, such as \"90s\" or \"1m 30s\""),
            ("9999 years", "must be at most ten years"),
            ("99999999999999999999s", "must be at most ten years"),
        ] {
            assert_eq!(parse(text), Err(says.to_owned()), "{text}");
        }
        assert_eq!(parse("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
    }
}
