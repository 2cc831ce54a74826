//! Durations in `humantime` form: read once, at compile time.

use std::time::Duration;

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::LitStr;

use crate::private::Private;

/// `"1m 30s"`, or what is wrong with it.
pub(crate) fn parse(literal: &LitStr) -> Result<Duration, String> {
    humantime::parse_duration(&literal.value()).map_err(|error| error.to_string())
}

/// The constant.
pub(crate) fn constant(private: &Private, duration: Duration) -> TokenStream {
    let seconds = Literal::u64_unsuffixed(duration.as_secs());
    let nanos = Literal::u32_unsuffixed(duration.subsec_nanos());
    quote!(#private::Duration::new(#seconds, #nanos))
}
