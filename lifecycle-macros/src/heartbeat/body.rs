//! What is added inside the body: a beat in each round of its outermost loops, a breadcrumb around each await.

use proc_macro2::Span;
use quote::{format_ident, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, ExprAsync, ExprAwait, ExprClosure, ExprConst, ExprForLoop, ExprLoop, ExprRepeat, ExprWhile,
    Item, Stmt, Type, parse_quote_spanned,
};

use crate::private::Private;

/// Named so that no item of the body is hidden by it: items know no hygiene.
pub(super) const STATIC: &str = "__LIFECYCLE_HEARTBEAT";

/// Behind the items, or clippy says of the user's that they come too late.
pub(super) fn insert_behind_items(body: &mut Block, statement: Stmt) {
    let items = body.stmts.iter().position(|stmt| !matches!(stmt, Stmt::Item(_))).unwrap_or(body.stmts.len());
    body.stmts.insert(items, statement);
}

/// Makes each round of the outermost loops beat; what happens inside of a round is the round's.
pub(super) struct Rounds<'a> {
    pub(super) private: &'a Private,
}

impl Rounds<'_> {
    fn beat(&self, body: &mut Block) {
        let private = self.private;
        let name = format_ident!("{STATIC}", span = Span::mixed_site());
        insert_behind_items(body, parse_quote_spanned!(Span::mixed_site()=> #private::round(&#name);));
    }
}

impl VisitMut for Rounds<'_> {
    fn visit_expr_for_loop_mut(&mut self, repeated: &mut ExprForLoop) {
        self.visit_expr_mut(&mut repeated.expr);
        self.beat(&mut repeated.body);
    }

    fn visit_expr_while_mut(&mut self, repeated: &mut ExprWhile) {
        self.visit_expr_mut(&mut repeated.cond);
        self.beat(&mut repeated.body);
    }

    fn visit_expr_loop_mut(&mut self, repeated: &mut ExprLoop) {
        self.beat(&mut repeated.body);
    }

    /// These run elsewhere, or at compile time.
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_expr_repeat_mut(&mut self, array: &mut ExprRepeat) {
        self.visit_expr_mut(&mut array.expr);
    }
}

/// Wraps what is awaited, and what the await gives, in identity functions that note the place.
pub(super) struct Breadcrumbs<'a> {
    pub(super) private: &'a Private,
}

impl VisitMut for Breadcrumbs<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        let Expr::Await(awaited) = expr else { return };
        let Breadcrumbs { private } = self;
        let name = format_ident!("{STATIC}");
        let span = Span::mixed_site().located_at(awaited.await_token.span);
        let past = private.at(span);
        *expr = parse_quote_spanned!(span=> #past::past(#awaited, &#name));
    }

    fn visit_expr_await_mut(&mut self, awaited: &mut ExprAwait) {
        visit_mut::visit_expr_await_mut(self, awaited);
        let Breadcrumbs { private } = self;
        let name = format_ident!("{STATIC}");
        let base = &awaited.base;
        // `line!` is the line of its own tokens: of `.await`, which in a chain over several lines is the one that
        // the compiler's messages point at.
        let span = Span::mixed_site().located_at(awaited.await_token.span);
        let place = quote_spanned! {awaited.await_token.span=>
            #private::Place { file: ::core::file!(), line: ::core::line!() }
        };
        *awaited.base = parse_quote_spanned!(span=> #private::at(#base, &#name, &#place));
    }

    /// These are not awaited where they stand, if at all.
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
