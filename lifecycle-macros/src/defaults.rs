//! Structs of options whose unwritten fields are the runtime's defaults.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};

use crate::duration;
use crate::private::Private;

/// A struct whose other fields are its `DEFAULT`'s; nothing, if all are.
pub(crate) fn with_defaults(path: &TokenStream, fields: &[Option<TokenStream>]) -> Option<TokenStream> {
    let written: Vec<_> = fields.iter().flatten().collect();
    // Clippy refuses a base that nothing is taken from.
    let base = (written.len() < fields.len()).then(|| quote!(..#path::DEFAULT));
    (!written.is_empty()).then(|| quote!(#path { #(#written,)* #base }))
}

pub(crate) fn field(name: &str, value: Option<impl ToTokens>) -> Option<TokenStream> {
    let name = format_ident!("{name}");
    value.map(|value| quote!(#name: #value))
}

pub(crate) fn time(private: &Private, name: &str, value: Option<Duration>) -> Option<TokenStream> {
    field(name, value.map(|value| duration::constant(private, value)))
}
