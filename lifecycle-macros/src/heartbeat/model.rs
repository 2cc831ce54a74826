//! What `#[heartbeat]` stands on and was given, checked.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::{Ident, ItemFn, LitStr};

use crate::duration::AtLeast;
use crate::errors::Errors;
use crate::function::Function;
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
        refuse_const(&function.sig.ident, function.sig.constness, &mut errors);
        errors.or(Heartbeat { private, function, limit, name, arm })
    }
}

fn refuse_const(function: &Ident, constness: Option<syn::token::Const>, errors: &mut Errors) {
    if let Some(token) = constness {
        errors.at(token, format!("heartbeat `{function}` must not be `const`: a beat happens at run time"));
    }
}
