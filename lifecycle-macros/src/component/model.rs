//! What `#[component]` stands on and was given, checked.

use std::time::Duration;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::format_ident;
use syn::spanned::Spanned;
use syn::{
    Attribute, Expr, FnArg, GenericArgument, Ident, Item, LitStr, Path, PathArguments, Receiver,
    ReceiverKind, ReturnType, Signature, Type,
};

use super::kind::Kind;
use super::restart::Restart;
use super::surroundings;
use crate::duration::AtLeast;
use crate::errors::{Errors, written};
use crate::function::{Function, refuse_main, refuse_qualifiers, refuse_repeated};
use crate::options::Options;
use crate::private::Private;

const TIMEOUT: Duration = Duration::from_secs(5);

/// The built-in phases, as they are written and as the runtime names them.
const PHASES: [(&str, &str); 3] = [("stop", "STOP"), ("persist", "PERSIST"), ("disconnect", "DISCONNECT")];

/// A hook.
pub(super) struct Component {
    pub(super) kind: &'static Kind,
    pub(super) given: Given,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) function: Ident,
    pub(super) asynchronous: bool,
    pub(super) target: Target,
    /// Where to point when the output is not what a hook returns.
    pub(super) output: Span,
}

/// Its options, or their defaults.
pub(super) struct Given {
    pub(super) private: Private,
    pub(super) name: Option<LitStr>,
    pub(super) phase: Phase,
    pub(super) order: i64,
    pub(super) timeout: Duration,
    /// Runs before a hang ends the process, too.
    pub(super) on_hang: bool,
    /// Of a task.
    pub(super) restart: Option<Restart>,
}

impl Given {
    fn parse(options: &mut Options<'_>) -> Given {
        Given {
            order: options.integer("order", i64::from(i32::MIN)..=i64::from(i32::MAX)).unwrap_or(0),
            phase: phase(options).unwrap_or_else(|| Phase::Known(format_ident!("DISCONNECT"))),
            timeout: options.duration("timeout", AtLeast::Positive).map_or(TIMEOUT, |(time, _)| time),
            name: options.text("name"),
            on_hang: options.flag("on_hang").unwrap_or(false),
            restart: Restart::parse(options),
            private: options.private(),
        }
    }
}

/// How the function is called.
pub(super) enum Target {
    /// It takes `&self`.
    Reference,
    /// It takes `self: Arc<Self>`.
    Shared,
    /// It takes nothing.
    Free,
}

/// When the hook runs.
pub(super) enum Phase {
    /// A constant of the runtime's `Phase`.
    Known(Ident),
    /// The user's own.
    Own(Path),
}

impl Component {
    pub(super) fn parse(
        kind: &'static Kind,
        args: TokenStream,
        item: &TokenStream,
        around: Option<&Item>,
    ) -> Result<Component, Errors> {
        let mut errors = Errors::default();
        let mut options = Options::parse(args, kind.known, &mut errors);
        let on_hang_key = options.key("on_hang");
        let given = Given::parse(&mut options);

        let Some(function) = Function::parse::<Function>(item, kind.item, &mut errors) else {
            return Err(errors);
        };
        let sig = &function.sig;
        let thing = kind.named(&sig.ident);
        let target = target(&thing, sig, item, around, &mut errors);
        refuse_repeated(&function.attrs, kind.attribute, &mut errors);
        if is_async_trait(sig) {
            refuse_async_trait(&thing, &sig.ident, around, &mut errors);
            return Err(errors);
        }
        check_signature(kind, sig, on_hang_key.filter(|_| given.on_hang), &mut errors);
        errors.or(Component {
            kind,
            given,
            cfgs: function.cfgs().cloned().collect(),
            function: sig.ident.clone(),
            asynchronous: sig.asyncness.is_some(),
            target,
            output: output_span(sig),
        })
    }
}

/// `on_hang` is where the attribute asks for the hook on a hang.
fn check_signature(kind: &Kind, sig: &Signature, on_hang: Option<Span>, errors: &mut Errors) {
    let thing = kind.named(&sig.ident);
    refuse_main(sig, kind.attribute, kind.instead_of_main, errors);
    refuse_qualifiers(&thing, sig, errors);
    check_output(&thing, sig, errors);
    if kind.is_task() && sig.asyncness.is_none() {
        let message = format!("{thing} must be `async`: write `async fn {}`", sig.ident);
        errors.at(sig.fn_token, message);
    }
    if let (Some(_), Some(key)) = (sig.asyncness, on_hang) {
        refuse_async_on_hang(&sig.ident, key, errors);
    }
}

/// What `#[async_trait]` makes of a method has this lifetime.
fn is_async_trait(sig: &Signature) -> bool {
    sig.generics.lifetimes().any(|param| param.lifetime.ident == "async_trait")
}

/// Unless the trait around it has been refused already.
fn refuse_async_trait(thing: &str, hook: &Ident, around: Option<&Item>, errors: &mut Errors) {
    if around.is_some() {
        return;
    }
    errors.at(
        hook,
        format!(
            "{thing} must not be in an `#[async_trait]` impl: write a method in an inherent `impl` that \
             calls this one, and put the attribute there"
        ),
    );
}

/// In a process that hangs there may be no runtime to poll it.
fn refuse_async_on_hang(hook: &Ident, key: Span, errors: &mut Errors) {
    errors.at_span(
        key,
        format!(
            "option `on_hang = true` must be on a hook that is not `async`, since the runtime may hang: \
             write `fn {hook}`, or a second, plain hook beside it"
        ),
    );
}

/// A string is one of the built-in phases, so that a misspelt one is found here; a path is the user's.
fn phase(options: &mut Options<'_>) -> Option<Phase> {
    match options.value("phase")? {
        Expr::Path(path) if path.qself.is_none() && !is_builtin(&path.path) => Some(Phase::Own(path.path)),
        Expr::Path(path) => {
            let got = written(&path);
            options.errors.at(
                &path,
                format!("option `phase` must be a string or a constant: got `{got}`, write `\"{got}\"`"),
            );
            None
        }
        other => {
            let word = options.word("phase", &PHASES.map(|(word, _)| word), &other)?;
            let (_, constant) = PHASES.iter().find(|(known, _)| *known == word)?;
            Some(Phase::Known(Ident::new(constant, other.span())))
        }
    }
}

/// A built-in phase whose quotes are missing.
fn is_builtin(path: &Path) -> bool {
    PHASES.iter().any(|(word, _)| path.is_ident(word))
}

/// Reports a wrong receiver and every other parameter.
fn target(
    thing: &str,
    sig: &Signature,
    item: &TokenStream,
    around: Option<&Item>,
    errors: &mut Errors,
) -> Target {
    let hook = &sig.ident;
    let mut target = Target::Free;
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) => target = by_receiver(thing, receiver, errors),
            FnArg::Typed(parameter) => {
                let instead = if sig.receiver().is_some() {
                    "keep it in `self`"
                } else {
                    "write a method of its owner"
                };
                let got = written(parameter);
                errors.at(input, format!("{thing} must not take parameters: got `{got}`, {instead}"));
            }
        }
    }
    surroundings::check(thing, hook, !matches!(target, Target::Free), around, errors);
    if sig.asyncness.is_some() && matches!(target, Target::Reference) {
        surroundings::refuse_lifetimes(thing, hook, around, errors);
    }
    if around.is_none() && matches!(target, Target::Free) && mentions_self(item.clone()) {
        errors.at(hook, format!("{thing} must take `&self` or `self: Arc<Self>`: got no `self`"));
    }
    target
}

fn by_receiver(thing: &str, receiver: &Receiver, errors: &mut Errors) -> Target {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => return Target::Reference,
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(reference) if reference.mutability.is_none() && is_self(&reference.elem) => {
                return Target::Reference;
            }
            ty if is_arc_of_self(ty) => return Target::Shared,
            _ => {}
        },
        _ => {}
    }
    let got = written(receiver);
    errors.at(receiver, format!("{thing} must take `&self` or `self: Arc<Self>`: got `{got}`"));
    Target::Reference
}

fn is_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(ty) if ty.path.is_ident("Self"))
}

/// `Arc<Self>`, by whatever path.
fn is_arc_of_self(ty: &Type) -> bool {
    let Type::Path(ty) = ty else { return false };
    let Some(last) = ty.path.segments.last() else { return false };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    last.ident == "Arc" && matches!(arguments.args.first(), Some(GenericArgument::Type(ty)) if is_self(ty))
}

fn output_span(sig: &Signature) -> Span {
    match &sig.output {
        ReturnType::Default => sig.ident.span(),
        ReturnType::Type(_, output) => output.span(),
    }
}

/// What is certainly wrong; of other types the runtime's `Outcome` says it.
fn check_output(thing: &str, sig: &Signature, errors: &mut Errors) {
    let ReturnType::Type(_, output) = &sig.output else { return };
    let wrong = match &**output {
        Type::ImplTrait(_) if sig.asyncness.is_none() => "write `async fn` instead of a future",
        Type::Reference(_) | Type::Array(_) | Type::Slice(_) | Type::ImplTrait(_) => "drop the value inside",
        Type::Tuple(tuple) if !tuple.elems.is_empty() => "drop the value inside",
        _ => return,
    };
    let got = written(output);
    let message = format!("{thing} must return `()` or `Result<(), E>`: got `{got}`, {wrong}");
    errors.at(output, message);
}

/// A function without `self` that mentions `Self` is an associated one, which has no instance to stop.
fn mentions_self(item: TokenStream) -> bool {
    item.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}
