//! `#[component]`, `#[reload]` and `#[task]`: register a method or a free function.

mod expand;
mod kind;
mod model;
mod restart;
mod source;
mod surroundings;
mod symbol;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;

pub(crate) use kind::{COMPONENT, Kind, RELOAD, TASK};
use model::Component;
use surroundings::around_attribute;
use symbol::symbol;

/// On a mistake the item stays, so that nothing else breaks.
pub(crate) fn register(kind: &'static Kind, args: TokenStream, item: &TokenStream) -> TokenStream {
    match Component::parse(kind, args, item, around_attribute(item).as_ref()) {
        Ok(component) => {
            let hook = expand::hook(&component, &symbol(&component.function));
            quote!(#item #hook)
        }
        Err(errors) => errors.beside(item),
    }
}
