//! The attributes of the `lifecycle` crate, which re-exports and documents them: use that one.

mod component;
mod defaults;
mod duration;
mod entry_point;
mod errors;
mod function;
mod heartbeat;
mod options;
mod private;
mod rustc;
mod spelling;
mod workspace;

use proc_macro::TokenStream;

/// Registers a method or a free function as a hook of the shutdown.
#[proc_macro_attribute]
pub fn component(args: TokenStream, item: TokenStream) -> TokenStream {
    component::register(&component::COMPONENT, args.into(), &item.into()).into()
}

/// Makes a function beat, on entry and on exit, for the watchdog.
#[proc_macro_attribute]
pub fn heartbeat(args: TokenStream, item: TokenStream) -> TokenStream {
    heartbeat::heartbeat(args.into(), &item.into()).into()
}

/// Registers a method or a free function that a reload calls.
#[proc_macro_attribute]
pub fn reload(args: TokenStream, item: TokenStream) -> TokenStream {
    component::register(&component::RELOAD, args.into(), &item.into()).into()
}

/// Makes an `async` method or free function a background task.
#[proc_macro_attribute]
pub fn task(args: TokenStream, item: TokenStream) -> TokenStream {
    component::register(&component::TASK, args.into(), &item.into()).into()
}

/// Makes `fn main` the body of a managed service.
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    entry_point::main(args.into(), &item.into()).into()
}
