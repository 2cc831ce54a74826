//! The attributes of the `lifecycle` crate, which re-exports and documents them: use that one.

mod component;
mod duration;
mod entry_point;
mod errors;
mod function;
mod heartbeat;
mod options;
mod private;
mod rustc;
mod spelling;

use proc_macro::TokenStream;

/// Registers a method or a free function as a hook of the shutdown.
#[proc_macro_attribute]
pub fn component(args: TokenStream, item: TokenStream) -> TokenStream {
    component::component(args.into(), &item.into()).into()
}

/// Makes a function beat, on entry and on exit, for the watchdog.
#[proc_macro_attribute]
pub fn heartbeat(args: TokenStream, item: TokenStream) -> TokenStream {
    heartbeat::heartbeat(args.into(), &item.into()).into()
}

/// Makes `fn main` the body of a managed service.
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    entry_point::main(args.into(), &item.into()).into()
}
