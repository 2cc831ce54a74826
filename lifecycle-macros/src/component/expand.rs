//! The checked model -> the hook's function, and a static that registers it.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use super::model::{Component, Phase, Target};
use crate::duration;

/// What the compiler adds to its own message where the `impl` is generic.
const GENERIC: &str = "`#[lifecycle::component]` cannot register a method of a generic `impl`: \
    write `impl Cache<Order> { … }` for each concrete type, or put the method on a wrapper type";

/// An attribute on a method sees neither the type nor `Self` inside nested items, so the static cannot name the
/// type. A sibling function can: it is exported under a symbol of its own, by which the static in its body finds it.
pub(super) fn hook(component: &Component, symbol: &str) -> TokenStream {
    let Component { private, cfgs, function, .. } = component;
    // In a trait `impl` the compiler says that this is not a member of the trait: let the name say why.
    let hidden = format_ident!(
        "__lifecycle_component_{}_must_be_in_an_inherent_impl_not_in_a_trait_impl",
        function.unraw(),
        span = function.span()
    );
    let site = site(component);
    let call = call(component);
    let attributes = quote_spanned! {Span::mixed_site()=>
        #[doc(hidden)]
        #(#cfgs)*
        #[unsafe(export_name = #symbol)]
        #[deny(no_mangle_generic_items, reason = #GENERIC)]
    };
    let body = quote_spanned! {Span::mixed_site()=>
        const _: () = {
            unsafe extern "Rust" {
                #[link_name = #symbol]
                safe fn hook() -> #private::Hook;
            }
            #private::inventory::submit! { #site }
        };
        #call
    };
    // The user's span from `fn` to `}`, else the lint is as silent as for any other crate's macro; not on the
    // attributes, else `unsafe_code` is not.
    let user = private.at(function.span());
    quote_spanned! {function.span()=>
        #attributes
        fn #hidden() -> #user::Hook { #body }
    }
}

fn site(component: &Component) -> TokenStream {
    let Component { private, function, timeout, on_hang, .. } = component;
    let function = function.unraw().to_string();
    let name = match &component.name {
        Some(name) => quote!(::core::option::Option::Some(#name)),
        None => quote!(::core::option::Option::None),
    };
    let phase = match &component.phase {
        Phase::Known(constant) => quote!(#private::Phase::#constant),
        Phase::Own(path) => quote!(#path),
    };
    let order = Literal::i64_unsuffixed(component.order);
    let timeout = duration::constant(private, *timeout);
    quote! {
        #private::HookDeclaration {
            name: #name,
            function: #function,
            phase: #phase,
            order: #order,
            timeout: #timeout,
            on_hang: #on_hang,
            place: #private::Place { file: ::core::file!(), line: ::core::line!() },
            hook,
        }
    }
}

/// The output's place, so that a wrong output is reported there.
fn call(component: &Component) -> TokenStream {
    let Component { function, output, .. } = component;
    let span = *output;
    let private = component.private.at(span);
    match (&component.target, component.asynchronous) {
        (Target::Reference, true) => quote_spanned! {span=>
            #private::async_method(|this: #private::Arc<Self>| async move { Self::#function(&*this).await })
        },
        (Target::Reference, false) => quote_spanned! {span=>
            #private::method(|this: #private::Arc<Self>| Self::#function(&*this))
        },
        (Target::Shared, true) => quote_spanned!(span=> #private::async_method(Self::#function)),
        (Target::Shared, false) => quote_spanned!(span=> #private::method(Self::#function)),
        (Target::Free, true) => quote_spanned!(span=> #private::async_function(#function)),
        (Target::Free, false) => quote_spanned!(span=> #private::function(#function)),
    }
}
