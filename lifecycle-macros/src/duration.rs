//! Durations in `humantime` form: read once, at compile time, and never out of range at run time.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::LitStr;

use crate::private::Private;

/// What the runtime refuses in the environment, too: a longer time is a mistake, and would overflow a clock.
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);

/// The shortest time that an option may have.
#[derive(Clone, Copy)]
pub(crate) enum AtLeast {
    /// Nothing at all is fine.
    Zero,
    /// Anything above zero.
    Positive,
    /// What a busy machine does not miss by itself.
    Heartbeat,
}

/// Why a text is not a duration for an option.
pub(crate) enum Wrong {
    /// Not one at all.
    Text(String),
    /// Not in the range: what it must be, and what to write instead, if that differs from the option's example.
    Range(&'static str, Option<&'static str>),
}

/// `"1m 30s"`, or what is wrong with it.
pub(crate) fn parse(literal: &LitStr, at_least: AtLeast) -> Result<Duration, Wrong> {
    use humantime::DurationError::NumberOverflow;
    const TOO_LONG: Wrong = Wrong::Range("at most ten years", None);
    let duration = match humantime::parse_duration(&literal.value()) {
        Ok(duration) => duration,
        Err(NumberOverflow) => return Err(TOO_LONG),
        Err(error) => return Err(Wrong::Text(error.to_string())),
    };
    match at_least {
        _ if duration > LONGEST => Err(TOO_LONG),
        AtLeast::Positive | AtLeast::Heartbeat if duration.is_zero() => Err(Wrong::Range("above zero", None)),
        AtLeast::Heartbeat if duration < Duration::from_millis(50) => {
            Err(Wrong::Range("what a busy machine does not miss by itself", Some("at least `\"50ms\"`")))
        }
        _ => Ok(duration),
    }
}

/// The constant.
pub(crate) fn constant(private: &Private, duration: Duration) -> TokenStream {
    let seconds = Literal::u64_unsuffixed(duration.as_secs());
    let nanos = Literal::u32_unsuffixed(duration.subsec_nanos());
    quote!(#private::Duration::new(#seconds, #nanos))
}
