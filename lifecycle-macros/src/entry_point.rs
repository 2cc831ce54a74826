//! `#[main]`: makes `fn main` the body of a managed service.

mod expand;
mod model;
mod shutdown;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use model::Main;

/// On a mistake the item stays, inside a plain `fn main` if it is one: an `async` one would be a second mistake.
pub(crate) fn main(args: TokenStream, item: &TokenStream) -> TokenStream {
    match Main::parse(args, item) {
        Ok(main) => expand::entry_point(&main, item),
        Err(errors) => expand::refusal(&errors, item),
    }
}
