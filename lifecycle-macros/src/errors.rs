//! The mistakes of one expansion, collected so that all are reported together.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Expr;

/// Every mistake found so far, each at its own tokens.
#[derive(Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// A mistake at these tokens.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.0.push(syn::Error::new_spanned(tokens, message));
    }

    /// A mistake at one token.
    pub(crate) fn at_span(&mut self, span: Span, message: impl Display) {
        self.0.push(syn::Error::new(span, message));
    }

    /// The mistakes, and the item as the user wrote it, so that nothing else breaks.
    pub(crate) fn beside(&self, item: &TokenStream) -> TokenStream {
        match syn::parse2(item.clone()) {
            // The compiler takes no attribute on an expression, but expands it; a message must not become an operand.
            Ok(Expr::Verbatim(_)) | Err(_) => quote!(#self #item),
            Ok(_) => quote!({ #self #item }),
        }
    }

    /// The model, if nothing was wrong with it.
    pub(crate) fn or<T>(self, model: T) -> Result<T, Errors> {
        if self.0.is_empty() { Ok(model) } else { Err(self) }
    }

    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().map(syn::Error::to_compile_error));
    }
}

/// The tokens as a person would write them: `&mut self`, where `to_string` has `& mut self`.
pub(crate) fn written(tokens: impl ToTokens) -> String {
    const TIGHT: [(&str, &str); 13] = [
        ("& ", "&"),
        (" :: ", "::"),
        (":: ", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" :", ":"),
        (" ,", ","),
        ("' ", "'"),
        ("- ", "-"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
    ];
    let text = tokens.to_token_stream().to_string();
    let text = TIGHT.iter().fold(text, |text, (loose, tight)| text.replace(loose, tight));
    let text = text.replace("->", " -> ").replace("=(", "= (").replace(",(", ", (");
    text.replace("  ", " ").trim().to_owned()
}

/// The tokens as rustfmt would lay them out.
#[cfg(test)]
pub(crate) fn shown(tokens: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(tokens).expect("an expansion is a list of items"))
}
