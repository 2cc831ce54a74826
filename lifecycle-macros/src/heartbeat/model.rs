//! What `#[heartbeat]` stands on and was given, checked.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::punctuated::Punctuated;
use syn::{
    GenericArgument, Ident, ItemFn, LitStr, Path, PathArguments, ReturnType, Token, Type, TypeParamBound,
};

use super::body::future;
use crate::duration::AtLeast;
use crate::errors::{Errors, written};
use crate::function::{Function, refuse_main, refuse_repeated};
use crate::options::{Known, Options};
use crate::private::Private;

const KNOWN: Known = &[
    ("timeout", "timeout = \"60s\""),
    ("name", "name = \"tick\""),
    ("arm", "arm = \"first_beat\""),
    ("crate", "crate = ::lifecycle"),
];

/// When it is judged, as it is written and as the runtime names it.
const ARMS: [(&str, &str); 3] = [("start", "Start"), ("first_beat", "FirstBeat"), ("call", "Call")];

const ITEM: &str = "`#[lifecycle::heartbeat]` must be on a function with a body";

/// A function that beats.
pub(super) struct Heartbeat {
    pub(super) private: Private,
    pub(super) function: ItemFn,
    pub(super) limit: Option<Duration>,
    pub(super) name: Option<LitStr>,
    pub(super) arm: &'static str,
}

impl Heartbeat {
    pub(super) fn parse(args: TokenStream, item: &TokenStream) -> Result<Heartbeat, Errors> {
        let mut errors = Errors::default();
        let mut options = Options::parse(args, KNOWN, &mut errors);
        let limit = options.duration("timeout", AtLeast::Heartbeat).map(|(limit, _)| limit);
        let name = options.text("name");
        let arm = options.choice("arm", &ARMS.map(|(word, _)| word));
        let arm = ARMS.iter().find(|(word, _)| Some(*word) == arm).map_or("Start", |(_, variant)| *variant);
        let private = options.private();

        let Some(function) = Function::parse::<ItemFn>(item, ITEM, &mut errors) else { return Err(errors) };
        refuse_repeated(&function.attrs, "heartbeat", &mut errors);
        refuse_main(
            &function.sig,
            "heartbeat",
            "put it on the function that main calls again and again",
            &mut errors,
        );
        refuse_future(&function, &mut errors);
        refuse_const(&function.sig.ident, function.sig.constness, &mut errors);
        errors.or(Heartbeat { private, function, limit, name, arm })
    }
}

/// The call of such a function is over before its work begins, unless its last expression is the `async` block.
fn refuse_future(function: &ItemFn, errors: &mut Errors) {
    let ReturnType::Type(_, output) = &function.sig.output else { return };
    let mut body = function.block.stmts.clone();
    if function.sig.asyncness.is_some() || !is_future(output) || future(&mut body).is_some() {
        return;
    }
    let (name, got) = (&function.sig.ident, written(output));
    errors.at(
        output,
        format!(
            "heartbeat `{name}` must be an `async fn`, or end with `async move {{ … }}` or \
             `Box::pin(async move {{ … }})`: got `{got}`, made elsewhere, whose polls would not beat"
        ),
    );
}

/// `impl Future`, `Pin<Box<dyn Future>>` and `BoxFuture`, by whatever path.
fn is_future(ty: &Type) -> bool {
    let of_traits = |bounds: &Punctuated<TypeParamBound, Token![+]>| {
        bounds
            .iter()
            .any(|bound| matches!(bound, TypeParamBound::Trait(bound) if ends_with(&bound.path, "Future")))
    };
    match ty {
        Type::ImplTrait(ty) => of_traits(&ty.bounds),
        Type::TraitObject(ty) => of_traits(&ty.bounds),
        Type::Paren(ty) => is_future(&ty.elem),
        Type::Path(ty) if ["BoxFuture", "LocalBoxFuture"].iter().any(|name| ends_with(&ty.path, name)) => {
            true
        }
        Type::Path(ty) => match ty.path.segments.last().map(|last| (&last.ident, &last.arguments)) {
            Some((name, PathArguments::AngleBracketed(of))) if name == "Pin" || name == "Box" => {
                of.args.iter().any(|of| matches!(of, GenericArgument::Type(of) if is_future(of)))
            }
            _ => false,
        },
        _ => false,
    }
}

fn ends_with(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

fn refuse_const(function: &Ident, constness: Option<syn::token::Const>, errors: &mut Errors) {
    if let Some(token) = constness {
        errors.at(token, format!("heartbeat `{function}` must not be `const`: a beat happens at run time"));
    }
}
