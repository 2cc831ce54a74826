//! `#[component]`: registers a method or a free function as a hook.

mod expand;
mod model;
mod source;
mod surroundings;
mod symbol;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;

use model::Component;
use surroundings::around_attribute;
use symbol::symbol;

/// On a mistake the item stays, so that nothing else breaks.
pub(crate) fn component(args: TokenStream, item: &TokenStream) -> TokenStream {
    match Component::parse(args, item, around_attribute(item).as_ref()) {
        Ok(component) => {
            let hook = expand::hook(&component, &symbol(&component.function));
            quote!(#item #hook)
        }
        Err(errors) => errors.beside(item),
    }
}
