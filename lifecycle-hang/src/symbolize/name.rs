//! Names of functions as people write them: without hashes, generics and closures. Pure.

use std::fmt::Write;

use lifecycle_os::text::Text;

pub(crate) type Name = Text<160>;

/// `<matrix::Stuck<u8> as Future>::poll::{closure#0}` becomes `matrix::Stuck::poll::{closure#0}`.
pub(crate) fn plain(demangled: &str) -> Name {
    let mut name = Name::new();
    append(demangled, &mut name);
    name
}

fn append(path: &str, name: &mut Name) {
    let path = without_qualifiers(path);
    let Some(qualified) = path.strip_prefix('<') else { return append_without_generics(path, name) };
    let Some(end) = closing(qualified) else { return append_without_generics(qualified, name) };
    append(self_type(&qualified[..end]), name);
    append_without_generics(&qualified[end + 1..], name);
}

fn without_qualifiers(mut path: &str) -> &str {
    while let Some(rest) = ["&", "mut ", "dyn ", "*const ", "*mut ", "impl "]
        .into_iter()
        .find_map(|word| path.strip_prefix(word))
    {
        path = rest;
    }
    path
}

/// Of `T as Trait` the `T`.
fn self_type(qualified: &str) -> &str {
    let (mut depth, mut last) = (0, ' ');
    for (at, character) in qualified.char_indices() {
        match character {
            '<' | '(' | '[' => depth += 1,
            '>' if last == '-' => {}
            '>' | ')' | ']' => depth -= 1,
            ' ' if depth == 0 && qualified[at..].starts_with(" as ") => return &qualified[..at],
            _ => {}
        }
        last = character;
    }
    qualified
}

/// Where the bracket closes that was opened just before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    let mut last = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            '>' if last != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
        last = character;
    }
    None
}

fn append_without_generics(mut path: &str, name: &mut Name) {
    while let Some(open) = path.find('<') {
        let _ = name.write_str(&path[..open]);
        name.strip_suffix("::");
        let inside = &path[open + 1..];
        path = closing(inside).map_or("", |end| &inside[end + 1..]);
    }
    let _ = name.write_str(path);
}

/// What a report calls it: the last part of its path, with its type if it is a method.
pub(crate) fn short(plain: &str) -> &str {
    let mut end = plain.len();
    // Closures and async blocks are parts of the function that they stand in.
    while let Some(part) = plain[..end].rfind("::").filter(|part| plain[part + 2..].starts_with(['{', '<'])) {
        end = part;
    }
    let path = &plain[..end];
    // Inlined, and without the name of what it stands in.
    for (part, words) in
        [("{async_fn", "an async fn"), ("{async_block", "an async block"), ("{closure", "a closure")]
    {
        if path.starts_with(part) {
            return words;
        }
    }
    let Some(last) = path.rfind("::") else { return path };
    let owner = path[..last].rfind("::").map_or(0, |at| at + 2);
    let is_type = path[owner..].starts_with(|first: char| first.is_ascii_uppercase());
    if is_type { &path[owner..] } else { &path[last + 2..] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_nobody_wrote() {
        for (demangled, expected, called) in [
            ("matrix::debit_account", "matrix::debit_account", "debit_account"),
            ("matrix::tick::{async_fn#0}", "matrix::tick::{async_fn#0}", "tick"),
            ("matrix::main::{{closure}}::{{closure}}", "matrix::main::{{closure}}::{{closure}}", "main"),
            ("<matrix::Feed>::receive::{closure#1}", "matrix::Feed::receive::{closure#1}", "Feed::receive"),
            (
                "<matrix::Stuck<u8> as core::future::future::Future>::poll",
                "matrix::Stuck::poll",
                "Stuck::poll",
            ),
            ("std::sync::Mutex<T>::lock", "std::sync::Mutex::lock", "Mutex::lock"),
            ("core::mem::drop::<alloc::vec::Vec<u8>>", "core::mem::drop", "drop"),
            ("<&mut dyn a::Tick as b::C>::d", "a::Tick::d", "Tick::d"),
            (
                "<fn(u8) -> x::Y<u8> as core::ops::FnOnce>::call_once",
                "fn(u8) -> x::Y::call_once",
                "Y::call_once",
            ),
            ("lock", "lock", "lock"),
            ("{async_fn#0}", "{async_fn#0}", "an async fn"),
            ("a::b<c::d", "a::b", "b"),
        ] {
            let name = plain(demangled);
            assert_eq!(name.as_str(), expected, "{demangled}");
            assert_eq!(short(name.as_str()), called, "{demangled}");
        }
    }
}
