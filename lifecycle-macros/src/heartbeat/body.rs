//! What is added inside the body: a beat in each round of its outermost loops, a breadcrumb around each await.

use proc_macro2::Span;
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, ExprAsync, ExprAwait, ExprClosure, ExprConst, ExprForLoop, ExprLoop, ExprPath, ExprRepeat,
    ExprWhile, Ident, Item, Stmt, Type, parse_quote_spanned,
};

use crate::private::Private;

/// Named so that no item of the body is hidden by it: items know no hygiene.
pub(super) const STATIC: &str = "__LIFECYCLE_HEARTBEAT";

/// The variable that stands for the call: no name of the user's, since locals know hygiene.
pub(super) fn call() -> Ident {
    Ident::new("call", Span::mixed_site())
}

/// The `async` block that the body ends with, perhaps in a `Box::pin`: all that `#[async_trait]` leaves of an `async fn`.
pub(super) fn future(body: &mut [Stmt]) -> Option<&mut ExprAsync> {
    let Some(Stmt::Expr(tail, None)) = body.last_mut() else { return None };
    match tail {
        Expr::Async(future) => Some(future),
        Expr::Call(call) => match (&*call.func, call.args.first_mut()) {
            (Expr::Path(path), Some(Expr::Async(future))) if is_box_pin(path) => Some(future),
            _ => None,
        },
        _ => None,
    }
}

/// `Box::pin`, by whatever path.
fn is_box_pin(path: &ExprPath) -> bool {
    let mut names = path.path.segments.iter().rev().map(|segment| &segment.ident);
    names.next().is_some_and(|name| name == "pin") && names.next().is_some_and(|name| name == "Box")
}

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
        let call = call();
        insert_behind_items(body, parse_quote_spanned!(Span::mixed_site()=> #private::round(&#call);));
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

/// Wraps what is awaited in an identity function that notes the place, and notes that it is past where the await is over.
pub(super) struct Breadcrumbs<'a> {
    pub(super) private: &'a Private,
}

impl Breadcrumbs<'_> {
    /// Notes the place before the await. `span` is where the compiler's own words about the expression point.
    fn note(&mut self, awaited: &mut ExprAwait, span: Span) {
        self.visit_expr_mut(&mut awaited.base);
        let Breadcrumbs { private } = self;
        let call = call();
        let base = &awaited.base;
        // `line!` is the line of its own tokens: of `.await`, which in a chain over several lines is the one that
        // the compiler's messages point at.
        let place = quote_spanned! {awaited.await_token.span=>
            #private::Place { file: ::core::file!(), line: ::core::line!() }
        };
        let at = private.at(span);
        *awaited.base = parse_quote_spanned!(span=> #at::at(#base, &#call, &#place));
    }
}

impl VisitMut for Breadcrumbs<'_> {
    /// `….await;` stays a statement of its own, so that the compiler says of it, too, that its value must be used.
    fn visit_block_mut(&mut self, block: &mut Block) {
        let call = call();
        for mut statement in std::mem::take(&mut block.stmts) {
            let Stmt::Expr(Expr::Await(awaited), Some(_)) = &mut statement else {
                self.visit_stmt_mut(&mut statement);
                block.stmts.push(statement);
                continue;
            };
            // The user's own span, else the lint points at the attribute.
            let span = awaited.base.span();
            self.note(awaited, span);
            let private = self.private;
            block.stmts.push(statement);
            block.stmts.push(parse_quote_spanned! {Span::mixed_site()=>
                #[allow(unreachable_code)]
                #private::past(&#call);
            });
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let Expr::Await(awaited) = expr else { return visit_mut::visit_expr_mut(self, expr) };
        let span = Span::mixed_site().located_at(awaited.await_token.span);
        self.note(awaited, span);
        let (past, call) = (self.private.at(span), call());
        // The arm takes an attribute, and an await may never end.
        *expr = parse_quote_spanned! {span=>
            match #awaited {
                #[allow(unreachable_code, unreachable_patterns)]
                value => {
                    #past::past(&#call);
                    value
                }
            }
        };
    }

    /// These are not awaited where they stand, if at all.
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
