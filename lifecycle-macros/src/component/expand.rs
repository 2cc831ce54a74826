//! The checked model -> the hook's function, and a static that registers it.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::ext::IdentExt;

use super::model::{Component, Given, Phase, Target};
use super::restart::Restart;
use crate::defaults::{field, time, with_defaults};
use crate::duration;
use crate::private::Private;
use crate::workspace;

/// An attribute on a method sees neither the type nor `Self` inside nested items, so the static cannot name the
/// type. A sibling function can: it is exported under a symbol of its own, by which the static in its body finds it.
pub(super) fn hook(component: &Component, symbol: &str) -> TokenStream {
    let Component { cfgs, function, given, .. } = component;
    let private = &given.private;
    // In a trait `impl` the compiler says that this is not a member of the trait: let the name say why.
    let attribute = component.kind.attribute;
    let name = format!("__{attribute}_{}_must_be_in_an_inherent_impl", function.unraw());
    let hidden = Ident::new(&name, function.span());
    let generic = generic(attribute);
    let (registration, call) = (registration(component), call(component));
    let attributes = quote_spanned! {Span::mixed_site()=>
        #[doc(hidden)]
        #(#cfgs)*
        #[unsafe(export_name = #symbol)]
        #[deny(no_mangle_generic_items, reason = #generic)]
    };
    let body = quote_spanned! {Span::mixed_site()=>
        unsafe extern "Rust" {
            #[link_name = #symbol]
            safe fn hook() -> #private::Hook;
        }
        #registration
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

/// What the compiler adds to its own message where the `impl` is generic.
fn generic(attribute: &str) -> String {
    format!(
        "`#[lifecycle::{attribute}]` cannot register a method of a generic `impl`: write `impl Cache<Order> {{ … }}` \
         for each concrete type, or put the method on a wrapper type"
    )
}

fn registration(component: &Component) -> TokenStream {
    let private = &component.given.private;
    let (site, workspace) = (site(component), workspace::submission(private));
    quote_spanned!(Span::mixed_site()=> #private::inventory::submit! { #site } #workspace)
}

fn site(component: &Component) -> TokenStream {
    let Given { private, timeout, on_hang, .. } = &component.given;
    let kind = kind(component);
    let function = component.function.unraw().to_string();
    let name = match &component.given.name {
        Some(name) => quote!(::core::option::Option::Some(#name)),
        None => quote!(::core::option::Option::None),
    };
    let phase = match &component.given.phase {
        Phase::Known(constant) => quote!(#private::Phase::#constant),
        Phase::Own(path) => quote!(#path),
    };
    let order = Literal::i64_unsuffixed(component.given.order);
    let timeout = duration::constant(private, *timeout);
    quote! {
        #private::HookDeclaration {
            kind: #private::HookKind::#kind,
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

fn kind(component: &Component) -> TokenStream {
    let Given { private, restart, .. } = &component.given;
    match component.kind.attribute {
        "component" => quote!(Stop),
        "reload" => quote!(Reload),
        _ => match restart {
            None => quote!(Task(::core::option::Option::None)),
            Some(restart) => {
                let restart = self::restart(private, restart);
                quote!(Task(::core::option::Option::Some(#restart)))
            }
        },
    }
}

fn restart(private: &Private, restart: &Restart) -> TokenStream {
    let path = quote!(#private::TaskRestart);
    let fields = [
        field("max_restarts", restart.max_restarts.map(Literal::i64_unsuffixed)),
        time(private, "within", restart.within),
        time(private, "wait", restart.wait),
        time(private, "max_wait", restart.max_wait),
    ];
    with_defaults(&path, &fields).unwrap_or_else(|| quote!(#path::DEFAULT))
}

/// The output's place, so that a wrong output is reported there.
fn call(component: &Component) -> TokenStream {
    let Component { function, output, given, .. } = component;
    let private = &given.private;
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
