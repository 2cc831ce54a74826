//! What a hook stands in: an attribute sees only its function, so the source is looked at, for the sake of a message.
//!
//! Nothing is guessed. Where the source is not at hand, or a macro had its hands on it, the answer is `None`, and the compiler's
//! own errors about the generated code must do.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericParam, Ident, Item, ItemImpl, Type};

use super::source::Source;
use crate::errors::{Errors, written};

/// Files are read once a crate.
static SOURCES: LazyLock<Mutex<HashMap<PathBuf, Arc<Source>>>> = LazyLock::new(Mutex::default);

/// Attributes that leave an `impl` what it is.
const HARMLESS: [&str; 7] = ["allow", "cfg", "deny", "doc", "expect", "warn", "async_trait"];

/// The `impl` or `trait` around the attribute that is being expanded, without its contents; `None` also where a method is in
/// its place, as most are: parsing costs more than the rest of it.
pub(super) fn around_attribute(function: &TokenStream) -> Option<Item> {
    if !proc_macro::is_available() {
        return None;
    }
    let span = proc_macro::Span::call_site();
    let path = span.local_file()?;
    let mut sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner);
    let source = sources.entry(path).or_insert_with_key(|path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        Arc::new(Source::read(&text))
    });
    let source = source.clone();
    drop(sources);
    let header = source.header((span.line(), span.column()))?;
    if is_plain(header) && takes_self(function) { None } else { item(header) }
}

/// `impl Store`.
fn is_plain(header: &str) -> bool {
    let ty = header.strip_prefix("impl ").unwrap_or("-");
    ty.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':')
}

/// Whether `self` is among the parameters, the first group in parentheses behind `fn`.
fn takes_self(function: &TokenStream) -> bool {
    let mut tokens = function.clone().into_iter();
    tokens.any(|token| matches!(token, TokenTree::Ident(word) if word == "fn"));
    let parameters = tokens.find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => Some(group.stream()),
        _ => None,
    });
    let is_self = |token| matches!(token, TokenTree::Ident(word) if word == "self");
    parameters.is_some_and(|parameters| parameters.into_iter().any(is_self))
}

/// What begins with these words, if nothing but itself decides what becomes of it.
fn item(header: &str) -> Option<Item> {
    let item = syn::parse_str(&format!("{header}{{}}")).ok()?;
    let attributes = match &item {
        Item::Impl(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        _ => return None,
    };
    let harmless = |path: &syn::Path| {
        path.segments.last().is_some_and(|last| HARMLESS.iter().any(|harmless| last.ident == harmless))
    };
    attributes.iter().all(|attribute| harmless(attribute.path())).then_some(item)
}

/// Reports a hook that cannot be where it is.
pub(super) fn check(
    thing: &str,
    hook: &Ident,
    has_receiver: bool,
    around: Option<&Item>,
    errors: &mut Errors,
) {
    let (got, instead) = match around {
        Some(Item::Trait(item)) => {
            let got = format!("trait {}", item.ident);
            (got, "write it as a method of each type that implements the trait".to_owned())
        }
        Some(Item::Impl(item)) => match misplaced(item) {
            Some(instead) => (head(item), instead),
            None if has_receiver => return,
            None => {
                let message = "must take `&self` or `self: Arc<Self>`: got no `self`";
                let instead = "one that needs no instance must be outside of the `impl`";
                errors.at(hook, format!("{thing} {message}; {instead}"));
                return;
            }
        },
        _ => return,
    };
    errors.at(hook, format!("{thing} must be in an `impl` of one concrete type: got `{got}`, {instead}"));
}

/// Reports an `async` hook with `&self` of a type with a lifetime. Its future is said to live as long as that one, which the
/// compiler says in words that name no code of the user's.
pub(super) fn refuse_lifetimes(thing: &str, hook: &Ident, around: Option<&Item>, errors: &mut Errors) {
    let Some(Item::Impl(item)) = around else { return };
    let ty = written(&item.self_ty);
    let always = with_static(&ty);
    if item.trait_.is_none() && always != ty {
        let got = head(item);
        errors.at(
            hook,
            format!(
                "{thing} must be in an `impl` without lifetimes, since an instance is kept until the shutdown: got `{got}`, \
                 write `impl {always}`"
            ),
        );
    }
}

/// `Service<'a>` as `Service<'static>`.
fn with_static(ty: &str) -> String {
    let mut parts = ty.split('\'');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str("'static");
        text.push_str(part.trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_'));
    }
    text
}

/// What to write instead.
fn misplaced(item: &ItemImpl) -> Option<String> {
    let ty = written(&item.self_ty);
    if item.trait_.is_some() {
        return Some(format!(
            "write a method in `impl {ty}` that calls this one, and put the attribute there"
        ));
    }
    if let Type::TraitObject(_) = &*item.self_ty {
        return Some("write it as a method of each type behind the trait object".to_owned());
    }
    let arguments: Vec<&str> = item.generics.params.iter().filter_map(argument).collect();
    if arguments.is_empty() {
        return None;
    }
    let name = match &*item.self_ty {
        Type::Path(path) => path.path.segments.last().map_or(ty.clone(), |last| last.ident.to_string()),
        _ => ty,
    };
    let arguments = arguments.join(", ");
    Some(format!(
        "write e.g. `impl {name}<{arguments}> {{ … }}` for each concrete type, or put the method on a wrapper type"
    ))
}

/// One that the user might write.
fn argument(param: &GenericParam) -> Option<&'static str> {
    match param {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(_) => Some("Order"),
        GenericParam::Const(_) => Some("16"),
    }
}

/// `impl<T> Pool<T>`.
fn head(item: &ItemImpl) -> String {
    let mut head = TokenStream::new();
    item.impl_token.to_tokens(&mut head);
    item.generics.to_tokens(&mut head);
    if let Some((path, for_)) = &item.trait_ {
        path.to_tokens(&mut head);
        for_.to_tokens(&mut head);
    }
    item.self_ty.to_tokens(&mut head);
    written(head)
}
