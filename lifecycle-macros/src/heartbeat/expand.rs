//! The checked model -> the same function, with a static in front of its body and a beat around it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::visit_mut::VisitMut;
use syn::{Block, Ident, Item, Stmt, parse_quote_spanned};

use super::body::{Breadcrumbs, Rounds, STATIC, call, future, insert_behind_items};
use super::model::Heartbeat;
use super::recursion::may_call_itself;
use crate::duration;
use crate::private::Private;
use crate::workspace;

/// The whole function.
pub(super) fn function(mut heartbeat: Heartbeat) -> TokenStream {
    let declaration = declaration(&heartbeat);
    let private = heartbeat.private;
    let function = &mut heartbeat.function;
    let asynchronous = function.sig.asyncness.is_some();
    let as_one = may_call_itself(function);
    match future(&mut function.block.stmts) {
        Some(future) if !asynchronous => instrument(&mut future.block, true, as_one, &private),
        _ => instrument(&mut function.block, asynchronous, as_one, &private),
    }
    .insert(0, Stmt::Item(Item::Verbatim(declaration)));
    function.to_token_stream()
}

/// The statements are added to the body's own: a block around it would drop its temporaries in another order.
fn instrument<'a>(
    body: &'a mut Block,
    asynchronous: bool,
    as_one: bool,
    private: &Private,
) -> &'a mut Vec<Stmt> {
    Rounds { private }.visit_block_mut(body);
    if asynchronous {
        Breadcrumbs { private }.visit_block_mut(body);
    }
    let name = format_ident!("{STATIC}", span = Span::mixed_site());
    let enter = if asynchronous { "enter_async" } else { "enter" };
    let (enter, call) = (Ident::new(enter, Span::mixed_site()), call());
    let enter: Stmt = parse_quote_spanned! {Span::mixed_site()=>
        #[allow(unused_variables)]
        let #call = #private::#enter(&#name, #as_one);
    };
    insert_behind_items(body, enter);
    &mut body.stmts
}

/// The static, and its registration.
fn declaration(heartbeat: &Heartbeat) -> TokenStream {
    let Heartbeat { private, function, .. } = heartbeat;
    let function = function.sig.ident.unraw().to_string();
    let name = match &heartbeat.name {
        Some(name) => quote!(#name),
        None => quote!(::core::concat!(::core::module_path!(), "::", #function)),
    };
    let limit = match heartbeat.limit.map(|limit| duration::constant(private, limit)) {
        Some(limit) => quote!(::core::option::Option::Some(#limit)),
        None => quote!(::core::option::Option::None),
    };
    let arm = format_ident!("{}", heartbeat.arm);
    let (ident, workspace) = (format_ident!("{STATIC}"), workspace::submission(private));
    quote_spanned! {Span::mixed_site()=>
        static #ident: #private::Heartbeat = #private::heartbeat(
            #name,
            #limit,
            #private::Arm::#arm,
            #private::Place { file: ::core::file!(), line: ::core::line!() },
        );
        #private::inventory::submit! { #private::HeartbeatSite(&#ident) }
        #workspace
    }
}
