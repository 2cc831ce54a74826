use expect_test::expect;
use quote::quote;

use super::expand::hook;
use super::model::Component;
use super::{COMPONENT, register};
use crate::errors::shown;

fn messages(args: &str, item: &str) -> Vec<String> {
    match Component::parse(&COMPONENT, args.parse().unwrap(), &item.parse().unwrap(), None) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.messages(),
    }
}

#[test]
fn a_method_gets_a_sibling_that_registers_it() {
    let item = quote!(
        #[cfg(unix)]
        async fn close(&self) {}
    );
    let args = quote!(order = -3, phase = "persist", timeout = "1m 30s", name = "db");
    let hook =
        Component::parse(&COMPONENT, args, &item, None).map(|component| hook(&component, "SYMBOL")).ok();
    expect![[r#"
        impl Db {
            #[cfg(unix)]
            async fn close(&self) {}
            #[doc(hidden)]
            #[cfg(unix)]
            #[unsafe(export_name = "SYMBOL")]
            #[deny(
                no_mangle_generic_items,
                reason = "`#[lifecycle::component]` cannot register a method of a generic `impl`: write `impl Cache<Order> { … }` for each concrete type, or put the method on a wrapper type"
            )]
            fn __component_close_must_be_in_an_inherent_impl() -> ::lifecycle::__private::Hook
            where
                Self: ::core::marker::Sized + ::core::marker::Send + ::core::marker::Sync
                    + 'static,
            {
                unsafe extern "Rust" {
                    #[link_name = "SYMBOL"]
                    safe fn hook() -> ::lifecycle::__private::Hook;
                }
                ::lifecycle::__private::inventory::submit! {
                    ::lifecycle::__private::HookDeclaration { kind :
                    ::lifecycle::__private::HookKind::Stop, name :
                    ::core::option::Option::Some("db"), function : "close", phase :
                    ::lifecycle::__private::Phase::PERSIST, order : - 3, timeout :
                    ::lifecycle::__private::Duration::new(90, 0), on_hang : false, place :
                    ::lifecycle::__private::Place { file : ::core::file!(), line :
                    ::core::line!() }, hook, }
                }
                ::lifecycle::__private::method(
                    ::lifecycle::__private::TypeId::of::<Self>(),
                    ::lifecycle::__private::type_name::<Self>(),
                    ::lifecycle::__private::Call::Async(|instance| ::lifecycle::__private::Box::new(
                        Self::close(::lifecycle::__private::instance(instance)),
                    )),
                )
            }
        }
    "#]].assert_eq(&shown(quote!(impl Db { #item #hook })));
}

#[test]
fn each_receiver_is_accepted() {
    for receiver in ["&self", "&'a self", "self: &Self", "self: Arc<Self>", "self: std::sync::Arc<Self>", ""]
    {
        assert!(messages("", &format!("fn close({receiver}) {{}}")).is_empty(), "{receiver}");
    }
}

#[test]
fn each_mistake_has_its_message() {
    for (args, item, expected) in [
        (
            "",
            "fn close(&mut self) {}",
            "component hook `close` must take `&self` or `self: Arc<Self>`: got `&mut self`",
        ),
        (
            "",
            "fn close(mut self) {}",
            "component hook `close` must take `&self` or `self: Arc<Self>`: got `mut self`",
        ),
        (
            "",
            "fn close(self: Rc<Self>) {}",
            "component hook `close` must take `&self` or `self: Arc<Self>`: got `self: Rc<Self>`",
        ),
        (
            "",
            "fn close() -> Self {}",
            "component hook `close` must take `&self` or `self: Arc<Self>`: got no `self`",
        ),
        (
            "",
            "fn close(&self) -> &str {}",
            "component hook `close` must return `()` or `Result<(), E>`: got `&str`, drop the value inside",
        ),
        (
            "",
            "fn close<const N: usize>(&self) {}",
            "component hook `close` must not be generic: got `const N: usize`",
        ),
        (
            "phase = \"persists\"",
            "fn close(&self) {}",
            "option `phase` must be `stop`, `persist` or `disconnect`: got `persists`, did you mean `persist`?",
        ),
        (
            "phase = stop",
            "fn close(&self) {}",
            "option `phase` must be a string or a constant: got `stop`, write `\"stop\"`",
        ),
        (
            "order = 1.5",
            "fn close(&self) {}",
            "option `order` must be an integer from -2147483648 to 2147483647: got `1.5`, write `order = 3`",
        ),
        (
            "on_hang = true",
            "async fn close(&self) {}",
            "option `on_hang = true` must be on a hook that is not `async`, since the runtime may hang: \
             write `fn close`, or a second, plain hook beside it",
        ),
        (
            "on_hang = \"yes\"",
            "fn close(&self) {}",
            "option `on_hang` must be `true` or `false`: got `\"yes\"`, write `on_hang = true`",
        ),
        ("order(3)", "fn close(&self) {}", "option `order` must be `order = …`: got `order(3)`"),
        (
            "",
            "enum Store {}",
            "`#[lifecycle::component]` must be on the method, or the free function, that stops something: got an enum",
        ),
    ] {
        assert_eq!(messages(args, item), [expected], "{args} {item}");
    }
}

#[test]
fn a_hook_in_the_wrong_place_is_told_where_it_belongs() {
    const PLACE: &str = "component hook `close` must be in an `impl` of one concrete type: got";
    for (around, item, expected) in [
        (
            "impl<T> Pool<T> {}",
            "fn close(&self) {}",
            "`impl<T> Pool<T>`, write e.g. `impl Pool<Order> { … }` for each concrete type, or put the method on a wrapper type",
        ),
        (
            "impl Close for Store {}",
            "fn close(&self) {}",
            "`impl Close for Store`, write a method in `impl Store` that calls this one, and put the attribute there",
        ),
        (
            "impl dyn Close {}",
            "fn close(&self) {}",
            "`impl dyn Close`, write it as a method of each type behind the trait object",
        ),
        (
            "trait Close {}",
            "fn close(&self) {}",
            "`trait Close`, write it as a method of each type that implements the trait",
        ),
    ] {
        let around = syn::parse_str(around).unwrap();
        let errors =
            Component::parse(&COMPONENT, quote!(), &item.parse().unwrap(), Some(&around)).err().unwrap();
        assert_eq!(errors.messages(), [format!("{PLACE} {expected}")]);
    }
    let lifetime = syn::parse_str("impl<'a> Store<'a> {}").unwrap();
    assert!(
        Component::parse(
            &COMPONENT,
            quote!(),
            &quote!(
                fn close(&self) {}
            ),
            Some(&lifetime)
        )
        .is_ok()
    );
    let inherent = syn::parse_str("impl Store {}").unwrap();
    let errors = Component::parse(
        &COMPONENT,
        quote!(),
        &quote!(
            fn close() -> Self {}
        ),
        Some(&inherent),
    )
    .err()
    .unwrap();
    assert_eq!(
        errors.messages(),
        [
            "component hook `close` must take `&self` or `self: Arc<Self>`: got no `self`; one that needs no instance \
          must be outside of the `impl`"
        ]
    );
}

#[test]
fn mistakes_in_the_options_and_in_the_signature_are_reported_together() {
    let all = messages("ordr = 1, timeout = 5, timeout = 6", "unsafe fn close(self, id: u32) {}");
    assert_eq!(all.len(), 6, "{all:#?}");
}

#[test]
fn the_item_survives_a_mistake() {
    let item = quote!(
        fn close(&self) {}
    );
    let expanded = register(&COMPONENT, quote!(ordr = 1), &item);
    expect![[r#"
        impl Db {
            ::core::compile_error! {
                "unknown option `ordr`: must be `order`, `phase`, `timeout`, `name`, `on_hang` or `crate`, did you mean `order`?"
            }
            fn close(&self) {}
        }
    "#]].assert_eq(&shown(quote!(impl Db { #expanded })));
}
