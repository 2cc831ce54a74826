//! The checked model -> a `fn main` that holds the user's and hands it to the runtime.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Visibility};

use super::model::{Main, Restart, Watchdog, is_main};
use crate::defaults::{field, time, with_defaults};
use crate::errors::Errors;
use crate::function::Function;
use crate::private::Private;
use crate::workspace;

/// The user's function without `pub`, which is that of the entry point.
fn body(item: &TokenStream) -> TokenStream {
    match syn::parse2(item.clone()) {
        Ok(Function { vis: Visibility::Inherited, .. }) | Err(_) => item.clone(),
        Ok(Function { attrs, sig, body, .. }) => quote!(#(#attrs)* #sig #body),
    }
}

/// The whole entry point.
pub(super) fn entry_point(main: &Main, item: &TokenStream) -> TokenStream {
    let Main { private, cfgs, vis, output, .. } = main;
    let (body, options) = (body(item), options(main));
    let init = main.init.as_ref().map(|path| init(private, path));
    let runtime = main.runtime.as_ref().map(|path| quote!(.runtime(#path)));
    let workspace = workspace::submission(private);
    let run = format_ident!("{}", if main.asynchronous { "run" } else { "run_sync" });
    let service =
        quote_spanned!(Span::mixed_site()=> #private::Service::new().options(#options) #init #runtime);
    // The output's place, so that a wrong output is reported there.
    let user = private.at(*output);
    let run = quote_spanned!(*output=> #user::Service::#run(#service, main));
    quote_spanned! {Span::mixed_site()=>
        #(#cfgs)*
        #vis fn main() -> ::std::process::ExitCode {
            #workspace
            #body
            #run
        }
    }
}

/// A method of the first trait that its return type has: a future is refused, a `Result` looked into, a guard kept.
/// All at the path's place, so that a wrong function is reported there.
fn init(private: &Private, path: &Path) -> TokenStream {
    let span = path.span();
    let private = private.at(span);
    quote_spanned! {span=>
        .init({
            #[allow(unused_imports)]
            use #private::{ReturnsFuture as _, ReturnsGuard as _, ReturnsOutcome as _};
            (&&&#private::InitFunction(#path)).function()
        })
    }
}

/// The mistakes, and the user's item.
pub(super) fn refusal(errors: &Errors, item: &TokenStream) -> TokenStream {
    let item = match syn::parse2::<Function>(item.clone()) {
        Ok(Function { mut attrs, vis, sig, body }) if sig.ident == "main" && sig.receiver().is_none() => {
            attrs.retain(|attr| !is_main(attr));
            quote!(#vis fn main() { #[allow(dead_code)] #(#attrs)* #sig #body })
        }
        _ => return errors.beside(item),
    };
    quote!(#errors #item)
}

fn options(main: &Main) -> TokenStream {
    let private = &main.private;
    let flavor = main.flavor.map(|flavor| match flavor {
        "current_thread" => quote!(#private::Flavor::CurrentThread),
        _ => quote!(#private::Flavor::MultiThread),
    });
    let worker_threads = main.worker_threads.map(Literal::i64_unsuffixed);
    let fields = [
        time(private, "shutdown_timeout", main.shutdown.shutdown_timeout),
        time(private, "drain", main.shutdown.drain),
        time(private, "drain_delay", main.shutdown.drain_delay),
        field("ready", variant(private, "Readiness", main.shutdown.ready).map(some)),
        field("probes", main.shutdown.probes.as_ref().map(some)),
        field("on_hangup", variant(private, "Hangup", main.shutdown.on_hangup).map(some)),
        field("end_on_panic", main.shutdown.panic.map(|word| word == "end")),
        restart(private, &main.restart),
        watchdog(private, &main.watchdog),
        field("flavor", flavor),
        field("worker_threads", worker_threads.map(some)),
    ];
    with_defaults(&quote!(#private::Options), &fields).unwrap_or_else(|| quote!(#private::Options::DEFAULT))
}

fn restart(private: &Private, restart: &Restart) -> Option<TokenStream> {
    let fields = [
        field("enabled", restart.off.then_some(false)),
        field("max_crashes", restart.max_crashes.map(Literal::i64_unsuffixed)),
        time(private, "within", restart.within),
        time(private, "wait", restart.wait),
        field("factor", restart.factor.map(Literal::i64_unsuffixed)),
        time(private, "max_wait", restart.max_wait),
        time(private, "first_wait", restart.first_wait),
        field("jitter", restart.jitter.as_ref()),
        time(private, "max_retry_after", restart.max_retry_after),
        field("file", restart.file.as_ref().map(some)),
        field("mode", variant(private, "RestartMode", restart.mode)),
        field("store", restart.store.as_ref().map(some)),
        field("service", restart.service.as_ref().map(some)),
    ];
    field("restart", with_defaults(&quote!(#private::RestartOptions), &fields))
}

fn watchdog(private: &Private, watchdog: &Watchdog) -> Option<TokenStream> {
    let fields = [
        field("enabled", watchdog.off.then_some(false)),
        time(private, "timeout", watchdog.timeout),
        time(private, "startup", watchdog.startup),
        field("on_hang", variant(private, "OnHang", watchdog.on_hang)),
        time(private, "worker", watchdog.worker),
    ];
    field("watchdog", with_defaults(&quote!(#private::WatchdogOptions), &fields))
}

/// `"exec"` is the variant `Exec`.
fn variant(private: &Private, of: &str, word: Option<&str>) -> Option<TokenStream> {
    let word = word?;
    let (of, variant) = (format_ident!("{of}"), format_ident!("{}{}", word[..1].to_uppercase(), &word[1..]));
    Some(quote!(#private::#of::#variant))
}

fn some(value: impl ToTokens) -> TokenStream {
    quote!(::core::option::Option::Some(#value))
}
