//! The function that an attribute stands on, and why it may be the wrong thing.

use proc_macro2::{Group, Span, TokenStream};
use syn::parse::{Parse, ParseStream};
use syn::token::Brace;
use syn::{Attribute, Expr, GenericParam, Item, Safety, Signature, Stmt, Visibility};

use crate::errors::{Errors, written};

/// A function as far as its body, which stays what the user wrote.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// With its braces.
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream) -> syn::Result<Function> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let sig = input.parse()?;
        if !input.peek(Brace) {
            return Err(input.error("expected a body"));
        }
        Ok(Function { attrs, vis, sig, body: input.parse()? })
    }
}

impl Function {
    /// `what` is said of anything that is not a function with a body; the attribute is what stands wrong.
    pub(crate) fn parse<T: Parse>(item: &TokenStream, what: &str, errors: &mut Errors) -> Option<T> {
        match syn::parse2(item.clone()) {
            Ok(function) => Some(function),
            Err(_) => {
                errors.at_span(Span::call_site(), format!("{what}: got {}", kind(item.clone())));
                None
            }
        }
    }

    /// `#[cfg]`s, which what is generated beside the function must share.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        self.attrs.iter().filter(|attr| attr.path().is_ident("cfg"))
    }
}

/// The attribute of ours among those below, by this name.
pub(crate) fn repeated<'a>(attrs: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attrs.iter().find(|attr| {
        let mut names = attr.path().segments.iter().map(|segment| &segment.ident);
        match (names.next(), names.next(), names.next()) {
            (Some(only), None, None) => only == name,
            (Some(first), Some(second), None) => first == "lifecycle" && second == name,
            _ => false,
        }
    })
}

/// Reports it.
pub(crate) fn refuse_repeated(attrs: &[Attribute], name: &str, errors: &mut Errors) {
    if let Some(attr) = repeated(attrs, name) {
        errors.at(attr, format!("`#[lifecycle::{name}]` must be given once: remove this one"));
    }
}

/// Reports an attribute that makes no sense on a `fn main`.
pub(crate) fn refuse_main(sig: &Signature, name: &str, instead: &str, errors: &mut Errors) {
    if sig.ident == "main" && sig.receiver().is_none() {
        errors.at(&sig.ident, format!("`#[lifecycle::{name}]` must not be on `main`: {instead}"));
    }
}

/// `const`, `unsafe`, `extern`, generic parameters and `…`: none makes sense where nobody but us calls.
pub(crate) fn refuse_qualifiers(thing: &str, sig: &Signature, errors: &mut Errors) {
    if let Some(token) = &sig.constness {
        errors.at(token, format!("{thing} must not be `const`: remove it"));
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.at(token, format!("{thing} must not be `unsafe`: put the `unsafe` block inside"));
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, format!("{thing} must not be `{}`: remove it", written(abi)));
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, format!("{thing} must not take `...`: remove it"));
    }
    for param in sig.generics.params.iter().filter(|param| !matches!(param, GenericParam::Lifetime(_))) {
        errors.at(param, format!("{thing} must not be generic: got `{}`", written(param)));
    }
    if let Some(clause) = &sig.generics.where_clause {
        errors.at(clause, format!("{thing} must not have a `where` clause: remove it"));
    }
}

fn kind(item: TokenStream) -> &'static str {
    match syn::parse2(item.clone()) {
        Ok(Expr::Closure(_)) => return "a closure, write a `fn`",
        Ok(Expr::Verbatim(_)) | Err(_) => {}
        Ok(_) => return "an expression, write a `fn` around it",
    }
    if let Ok(Stmt::Local(_)) = syn::parse2(item.clone()) {
        return "a statement, write a `fn` around it";
    }
    match syn::parse2(item) {
        Ok(Item::Struct(_)) => "a struct",
        Ok(Item::Enum(_)) => "an enum",
        Ok(Item::Impl(_)) => "an `impl` block",
        Ok(Item::Trait(_)) => "a trait",
        Ok(Item::Mod(_)) => "a module",
        Ok(Item::Static(_)) => "a static",
        Ok(Item::Const(_)) => "a constant",
        Ok(Item::Type(_)) => "a type alias",
        Ok(Item::Macro(_)) => "a macro",
        Ok(Item::Verbatim(_)) | Err(_) => "a function without a body",
        Ok(_) => "another item",
    }
}
