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
    let hidden = format_ident!("__{}_must_be_in_an_inherent_impl", function.unraw(), span = function.span());
    let site = site(component);
    let call = call(component);
    let attributes = quote_spanned! {Span::mixed_site()=>
        #[doc(hidden)]
        #(#cfgs)*
        #[unsafe(export_name = #symbol)]
        #[deny(no_mangle_generic_items, reason = #GENERIC)]
    };
    let body = quote_spanned! {Span::mixed_site()=>
        unsafe extern "Rust" {
            #[link_name = #symbol]
            safe fn hook() -> #private::Hook;
        }
        #private::inventory::submit! { #site }
        #call
    };
    // The user's span from `fn` to `}`, else the lint is as silent as for any other crate's macro; not on the
    // attributes, else `unsafe_code` is not.
    let user = private.at(function.span());
    // Assumed, so that in a generic `impl` nothing but the lint has something to say.
    let located = Span::mixed_site().located_at(function.span());
    let bounds = match component.target {
        Target::Free => None,
        Target::Reference | Target::Shared => Some(quote_spanned! {located=>
            where Self: ::core::marker::Sized + ::core::marker::Send + ::core::marker::Sync + 'static
        }),
    };
    quote_spanned! {function.span()=>
        #attributes
        fn #hidden() -> #user::Hook #bounds { #body }
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
    let Component { private, function, output, .. } = component;
    let user = private.at(*output);
    let mut function = function.clone();
    function.set_span(*output);
    let called = match component.target {
        Target::Reference => quote_spanned!(*output=> Self::#function(#user::instance(instance))),
        Target::Shared => quote_spanned!(*output=> Self::#function(#user::shared(instance))),
        Target::Free => quote_spanned!(*output=> #function()),
    };
    let call = match (&component.target, component.asynchronous) {
        (Target::Free, true) => quote_spanned!(*output=> Async(|_| #user::Box::new(#called))),
        (Target::Free, false) => quote_spanned!(*output=> Blocking(|_| #user::Outcome::outcome(#called))),
        (_, true) => quote_spanned!(*output=> Async(|instance| #user::Box::new(#called))),
        (_, false) => quote_spanned!(*output=> Blocking(|instance| #user::Outcome::outcome(#called))),
    };
    let call = quote_spanned!(*output=> #user::Call::#call);
    match component.target {
        Target::Free => quote_spanned!(Span::mixed_site()=> #private::function(#call)),
        Target::Reference | Target::Shared => {
            quote_spanned! {Span::mixed_site()=>
                #private::method(#private::TypeId::of::<Self>(), #private::type_name::<Self>(), #call)
            }
        }
    }
}
