//! Whether a function may call itself. By name, so that no call is missed; one of the same name elsewhere counts, too.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprCall, ExprMethodCall, Ident, ItemFn, Macro};

/// The outer of two calls waits for the inner one, and may not beat meanwhile.
pub(super) fn may_call_itself(function: &mut ItemFn) -> bool {
    let mut calls = Calls { name: function.sig.ident.unraw(), are_found: false };
    calls.visit_block_mut(&mut function.block);
    calls.are_found
}

struct Calls {
    name: Ident,
    are_found: bool,
}

impl Calls {
    fn look(&mut self, name: Option<&Ident>) {
        self.are_found |= name.is_some_and(|name| name.unraw() == self.name);
    }

    fn look_among(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(name) if tokens.peek().is_some_and(begins_arguments) => {
                    self.look(Some(&name));
                }
                TokenTree::Group(group) => self.look_among(group.stream()),
                _ => {}
            }
        }
    }
}

/// Those of a call, or of its types: `walk(1)`, `walk::<u8>(1)`.
fn begins_arguments(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        _ => false,
    }
}

impl VisitMut for Calls {
    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        if let Expr::Path(called) = &*call.func {
            self.look(called.path.segments.last().map(|last| &last.ident));
        }
        visit_mut::visit_expr_call_mut(self, call);
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        self.look(Some(&call.method));
        visit_mut::visit_expr_method_call_mut(self, call);
    }

    /// Of a macro the tokens are all that is known.
    fn visit_macro_mut(&mut self, called: &mut Macro) {
        self.look_among(called.tokens.clone());
    }
}
