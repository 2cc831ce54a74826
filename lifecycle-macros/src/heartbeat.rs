//! `#[heartbeat]`: makes a function beat, and an `async` one leave a breadcrumb at each await.

mod body;
mod expand;
mod model;
mod recursion;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use model::Heartbeat;

/// On a mistake the item stays, so that nothing else breaks.
pub(crate) fn heartbeat(args: TokenStream, item: &TokenStream) -> TokenStream {
    match Heartbeat::parse(args, item) {
        Ok(heartbeat) => expand::function(heartbeat),
        Err(errors) => errors.beside(item),
    }
}
