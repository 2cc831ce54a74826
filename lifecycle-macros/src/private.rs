//! Where generated code finds what it calls.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Path;

/// The path of the runtime's private module: in `::lifecycle`, or in `crate = …`.
pub(crate) struct Private(Option<Path>);

impl Private {
    pub(crate) fn new(path: Option<Path>) -> Private {
        Private(path)
    }

    /// With the tokens at a place of the user's: one foreign token in an expression makes all of it foreign, and
    /// messages about it point at the attribute.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        match &self.0 {
            Some(path) => quote_spanned!(span=> #path::__private),
            None => quote_spanned!(span=> ::lifecycle::__private),
        }
    }
}

impl ToTokens for Private {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.at(Span::mixed_site()));
    }
}
