//! The options of an attribute: `key = value` and `key(…)`, each kept as its tokens until it is read.

use std::ops::RangeInclusive;
use std::time::Duration;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, ExprPath, ExprUnary, Ident, Lit, LitFloat, LitStr, Meta, Path, UnOp};

use crate::duration::{self, AtLeast, Wrong};
use crate::errors::{Errors, written};
use crate::private::Private;
use crate::rustc::{self, Runtime};
use crate::spelling::{list, suggestion};

/// The options that an attribute knows: each with an example of how it is written.
pub(crate) type Known = &'static [(&'static str, &'static str)];

/// What was written, minus what has been read.
pub(crate) struct Options<'e> {
    pub(crate) errors: &'e mut Errors,
    known: Known,
    given: Vec<(Ident, Meta)>,
}

/// A value, and where it was written.
pub(crate) type Placed<T> = (T, Span);

/// `restart(…)` or `restart = false`.
pub(crate) enum Switch {
    /// `= false`.
    Off,
    /// `= true`.
    On,
    /// `(…)`.
    List(TokenStream),
}

impl<'e> Options<'e> {
    /// Unknown, repeated and misspelt options are reported and left out.
    pub(crate) fn parse(args: TokenStream, known: Known, errors: &'e mut Errors) -> Options<'e> {
        let mut options = Options { errors, known, given: Vec::new() };
        for option in split(args, options.errors) {
            options.add(option);
        }
        options
    }

    fn add(&mut self, option: TokenStream) {
        let Some(TokenTree::Ident(key)) = option.clone().into_iter().next() else {
            let example = self.known[0].1;
            let got = written(&option);
            self.errors
                .at(option, format!("an option must be `key = value`: got `{got}`, write e.g. `{example}`"));
            return;
        };
        let Some((_, example)) = self.known.iter().find(|(known, _)| key == known) else {
            let keys: Vec<&str> = self.known.iter().map(|(known, _)| *known).collect();
            let suggestion = suggestion(&keys, &key.to_string());
            self.errors.at(&key, format!("unknown option `{key}`: must be {}{suggestion}", list(&keys)));
            return;
        };
        match syn::parse2(option.clone()) {
            _ if self.given.iter().any(|(given, _)| *given == key) => {
                self.errors.at(&key, format!("option `{key}` must be given once: remove this one"));
            }
            Ok(meta) if !matches!(meta, Meta::Path(_)) => self.given.push((key, meta)),
            _ => {
                let got = written(&option);
                self.errors
                    .at(option, format!("option `{key}` must have a value: got `{got}`, write `{example}`"));
            }
        }
    }

    /// Where an option was written, if it was.
    pub(crate) fn key(&self, key: &str) -> Option<Span> {
        self.given.iter().find(|(given, _)| given == key).map(|(given, _)| given.span())
    }

    fn take(&mut self, key: &str) -> Option<Meta> {
        let index = self.given.iter().position(|(given, _)| given == key)?;
        Some(self.given.swap_remove(index).1)
    }

    fn example(&self, key: &str) -> &'static str {
        self.known.iter().find(|(known, _)| *known == key).map_or("", |(_, example)| *example)
    }

    /// Reports a value that is not what the option takes.
    fn refuse<T>(&mut self, key: &str, must: &str, got: &Expr) -> Option<T> {
        let example = self.example(key);
        let text = written(got);
        self.errors.at(got, format!("option `{key}` must be {must}: got `{text}`, write `{example}`"));
        None
    }

    /// The expression after `=`.
    pub(crate) fn value(&mut self, key: &str) -> Option<Expr> {
        match self.take(key)? {
            Meta::NameValue(pair) => Some(ungrouped(pair.value)),
            meta => {
                self.errors
                    .at(&meta, format!("option `{key}` must be `{key} = …`: got `{}`", written(&meta)));
                None
            }
        }
    }

    /// An integer literal.
    pub(crate) fn integer(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.value(key)?;
        match integer(&value).filter(|integer| range.contains(integer)) {
            Some(integer) => Some(integer),
            None => {
                let must = format!("an integer from {} to {}", range.start(), range.end());
                self.refuse(key, &must, &value)
            }
        }
    }

    /// A number from 0 to 1.
    pub(crate) fn part(&mut self, key: &str) -> Option<LitFloat> {
        let value = self.value(key)?;
        let digits = match &value {
            Expr::Lit(ExprLit { lit: Lit::Float(digits), .. }) => digits.base10_digits().to_owned(),
            Expr::Lit(ExprLit { lit: Lit::Int(digits), .. }) => format!("{}.0", digits.base10_digits()),
            _ => String::new(),
        };
        let part = digits.parse::<f64>().ok().filter(|part| (0.0..=1.0).contains(part));
        match part {
            Some(_) => Some(LitFloat::new(&digits, value.span())),
            None => self.refuse(key, "a number from 0.0 to 1.0", &value),
        }
    }

    /// A string literal that is not empty.
    pub(crate) fn text(&mut self, key: &str) -> Option<LitStr> {
        match self.value(key)? {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if !text.value().trim().is_empty() => Some(text),
            other => self.refuse(key, "a string that is not empty", &other),
        }
    }

    /// A duration, in range.
    pub(crate) fn duration(&mut self, key: &str, at_least: AtLeast) -> Option<Placed<Duration>> {
        let value = self.value(key)?;
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &value else {
            return self.refuse(key, "a duration in quotes", &value);
        };
        match duration::parse(text, at_least) {
            Ok(duration) => Some((duration, text.span())),
            Err(Wrong::Text(error)) => {
                self.refuse(key, &format!("a duration such as `\"90s\"` or `\"1m 30s\"` ({error})"), &value)
            }
            Err(Wrong::Range(must, None)) => self.refuse(key, must, &value),
            Err(Wrong::Range(must, Some(write))) => {
                let got = written(&value);
                self.errors.at(&value, format!("option `{key}` must be {must}: got `{got}`, write {write}"));
                None
            }
        }
    }

    /// A path to an item.
    pub(crate) fn path(&mut self, key: &str) -> Option<Path> {
        match self.value(key)? {
            Expr::Path(ExprPath { qself: None, path, .. }) => Some(path),
            other => self.refuse(key, "a path", &other),
        }
    }

    /// One of a few words, in quotes.
    pub(crate) fn choice(&mut self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let value = self.value(key)?;
        self.word(key, words, &value)
    }

    /// One of a few words: a string, or an identifier.
    pub(crate) fn word(&mut self, key: &str, words: &[&'static str], value: &Expr) -> Option<&'static str> {
        let word = match value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
            other => written(other),
        };
        let known = words.iter().find(|known| **known == word).copied();
        if known.is_none() {
            let suggestion = suggestion(words, &word);
            self.errors
                .at(value, format!("option `{key}` must be {}: got `{word}`{suggestion}", list(words)));
        }
        known
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. }) => Some(flag.value),
            other => self.refuse(key, "`true` or `false`", &other),
        }
    }

    /// `key(…)`, `key = true` or `key = false`.
    pub(crate) fn switch(&mut self, key: &str) -> Option<Switch> {
        match self.take(key)? {
            Meta::List(list) => Some(Switch::List(list.tokens)),
            Meta::NameValue(pair) => match ungrouped(pair.value) {
                Expr::Lit(ExprLit { lit: Lit::Bool(on), .. }) => {
                    Some(if on.value { Switch::On } else { Switch::Off })
                }
                other => self.refuse(key, &format!("`{key}(…)` or `{key} = false`"), &other),
            },
            Meta::Path(_) => None,
        }
    }

    /// `crate = …`, or what the compiler's command line says.
    pub(crate) fn private(&mut self) -> Private {
        let path = match (self.key("crate"), rustc::runtime()) {
            (Some(_), _) => self.path("crate"),
            (None, Runtime::Usual) => None,
            (None, Runtime::Renamed(name)) => syn::parse_str(&format!("::{name}")).ok(),
            (None, Runtime::Absent) => {
                let message = "`lifecycle` must be a dependency of this crate: add it, or write \
                    `crate = ::name::of::lifecycle`, the path by which another crate re-exports it";
                self.errors.at_span(Span::call_site(), message);
                None
            }
        };
        Private::new(path)
    }
}

/// An option, and its time if it was written.
pub(crate) type Written<'a> = (&'a str, Option<Placed<Duration>>);

/// Reports the first time, where both were written and it is longer than the second.
pub(crate) fn not_above(options: &mut Options<'_>, part: Written<'_>, whole: Written<'_>) {
    if let ((part, Some((short, span))), (whole, Some((long, _)))) = (part, whole)
        && short > long
    {
        let (short, long) = (humantime::format_duration(short), humantime::format_duration(long));
        let message = format!(
            "option `{part}` must not be above `{whole}`: got `\"{short}\"`, write at most `\"{long}\"`, \
             or a longer `{whole}`"
        );
        options.errors.at_span(span, message);
    }
}

/// The tokens between the commas; a comma at the end is fine. A missing one, and a semicolon in its place, is reported.
fn split(args: TokenStream, errors: &mut Errors) -> Vec<TokenStream> {
    let mut options = vec![Vec::new()];
    let mut tokens = args.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let option = options.last_mut().expect("it never shrinks");
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => options.push(Vec::new()),
            TokenTree::Punct(punct) if punct.as_char() == ';' => {
                errors.at(&token, "options must be separated by commas: got `;`, write `,`");
                options.push(Vec::new());
            }
            TokenTree::Ident(key) if is_value_over(option) && is_equals_sign(tokens.peek()) => {
                errors.at(key, format!("options must be separated by commas: write `, {key} = …`"));
                options.push(vec![token]);
            }
            _ => option.push(token),
        }
    }
    options.into_iter().filter(|option| !option.is_empty()).map(TokenStream::from_iter).collect()
}

/// `key = value` or `key(…)`: behind either another key is one that lacks a comma.
fn is_value_over(option: &[TokenTree]) -> bool {
    match option {
        [TokenTree::Ident(_), TokenTree::Group(_)] => true,
        [TokenTree::Ident(_), TokenTree::Punct(_), .., last] => !matches!(last, TokenTree::Punct(_)),
        _ => false,
    }
}

fn is_equals_sign(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == '=')
}

/// Without the invisible group around a `macro_rules!` fragment.
fn ungrouped(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => ungrouped(*group.expr),
        other => other,
    }
}

fn integer(value: &Expr) -> Option<i64> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(digits), .. }) => digits.base10_parse().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => integer(expr).map(|integer| -integer),
        Expr::Group(group) => integer(&group.expr),
        _ => None,
    }
}
