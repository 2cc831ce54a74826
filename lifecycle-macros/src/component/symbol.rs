//! The symbol that ties a hook's static to its function: unique among everything that is linked together.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::hash::{Hash, Hasher};
use std::sync::{LazyLock, Mutex, PoisonError};

use syn::Ident;
use syn::ext::IdentExt;

use crate::rustc;

/// What cargo says of the crate: two versions of it, a library and its binaries.
const CARGO: [&str; 4] = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"];

/// The crate that this process, its compiler, compiles.
static CRATE: LazyLock<Crate> =
    LazyLock::new(|| Crate::read(&|name| std::env::var_os(name), rustc::arguments()));

/// How often each symbol was asked for: a `macro_rules!` makes several hooks of one place.
static ASKED: LazyLock<Mutex<HashMap<u64, u32>>> = LazyLock::new(Mutex::default);

/// What tells a crate from every other that it may be linked with.
#[derive(Default, Hash)]
struct Crate {
    cargo: Vec<OsString>,
    /// `rustc` refuses two crates of one name and one `-C metadata`, whoever builds them: cargo, Bazel, Buck, a script.
    rustc: Vec<String>,
}

/// Where a hook's attribute stands.
#[derive(Default, Hash)]
pub(super) struct Position {
    file: String,
    line: usize,
    column: usize,
}

/// A new symbol for a hook.
pub(super) fn symbol(function: &Ident) -> String {
    let (name, position) = (function.unraw().to_string(), Position::of_attribute());
    let plain = hash(&(&*CRATE, &position, &name));
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = asked.entry(plain).or_default();
    *count += 1;
    text(&CRATE, &position, &name, *count)
}

fn text(identity: &Crate, position: &Position, function: &str, count: u32) -> String {
    format!("__lifecycle_{:016x}_{function}", hash(&(identity, position, function, count)))
}

fn hash(value: &impl Hash) -> u64 {
    // `DefaultHasher::new` has fixed keys: a build is reproducible.
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Position {
    fn of_attribute() -> Position {
        if !proc_macro::is_available() {
            return Position::default();
        }
        let span = proc_macro::Span::call_site();
        Position { file: span.file(), line: span.line(), column: span.column() }
    }
}

impl Crate {
    /// From the compiler's environment and its command line.
    fn read(env: &dyn Fn(&str) -> Option<OsString>, arguments: impl Iterator<Item = String>) -> Crate {
        let mut identity =
            Crate { cargo: CARGO.iter().filter_map(|name| env(name)).collect(), rustc: Vec::new() };
        let (mut inputs, mut has_metadata) = (Vec::new(), false);
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let argument = match &*argument {
                "-C" | "--codegen" | "--crate-name" | "--crate-type" => {
                    format!("{argument}={}", arguments.next().unwrap_or_default())
                }
                _ => argument,
            };
            let codegen = argument.strip_prefix("--codegen=").or_else(|| argument.strip_prefix("-C"));
            match codegen.map(|option| option.trim_start_matches('=')) {
                Some(option) if option.starts_with("metadata=") => {
                    has_metadata = true;
                    identity.rustc.push(option.to_owned());
                }
                Some(option) if option.starts_with("extra-filename=") => {
                    identity.rustc.push(option.to_owned());
                }
                None if argument == "--test" || argument.starts_with("--crate-") => {
                    identity.rustc.push(argument);
                }
                None if argument.ends_with(".rs") && !argument.starts_with('-') => inputs.push(argument),
                Some(_) | None => {}
            }
        }
        // Paths only where nothing better is known: a build is the same in every folder.
        if !has_metadata {
            identity.rustc.append(&mut inputs);
            identity.cargo.extend(env("CARGO_MANIFEST_DIR"));
        }
        identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cargo: &[(&str, &str)], rustc: &str) -> String {
        let env = |name: &str| cargo.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        let identity = Crate::read(&env, rustc.split_whitespace().map(str::to_owned));
        text(&identity, &Position { file: "src/lib.rs".into(), line: 3, column: 5 }, "close", 1)
    }

    /// Crates that may be linked together, each with a `close` at the same place.
    #[test]
    fn crates_that_are_linked_together_differ() {
        let symbols = [
            of(&[("CARGO_PKG_NAME", "a"), ("CARGO_PKG_VERSION", "1.0.0")], "src/lib.rs"),
            of(&[("CARGO_PKG_NAME", "a"), ("CARGO_PKG_VERSION", "2.0.0")], "src/lib.rs"),
            of(&[("CARGO_PKG_NAME", "b"), ("CARGO_PKG_VERSION", "1.0.0")], "src/lib.rs"),
            of(&[("CARGO_MANIFEST_DIR", "/a")], "src/lib.rs"),
            of(&[("CARGO_MANIFEST_DIR", "/b")], "src/lib.rs"),
            // The library beside its binary, its test build, and a doctest, which rustdoc has compiled.
            of(&[("CARGO_PKG_NAME", "a")], "--crate-name a --crate-type lib -C metadata=1"),
            of(&[("CARGO_PKG_NAME", "a")], "--crate-name a --crate-type bin -C metadata=1"),
            of(&[("CARGO_PKG_NAME", "a")], "--crate-name a --test -C metadata=1"),
            of(&[("CARGO_PKG_NAME", "a")], "--crate-type bin --crate-name rust_out -"),
            // Nothing of cargo's.
            of(&[], "--crate-name=a --codegen=metadata=1 src/lib.rs"),
            of(&[], "--crate-name=a --codegen=metadata=2 src/lib.rs"),
            of(&[], "--crate-name=b -Cmetadata=1 src/lib.rs"),
            of(&[], "a/src/lib.rs"),
            of(&[], "b/src/lib.rs"),
        ];
        let distinct: std::collections::HashSet<_> = symbols.iter().collect();
        assert_eq!(distinct.len(), symbols.len(), "{symbols:#?}");
    }

    #[test]
    fn hooks_of_one_crate_differ_by_place_by_name_and_at_last_by_count() {
        let position = |line, column| Position { file: "src/lib.rs".into(), line, column };
        let crate_ = Crate::default();
        let symbols = [
            text(&crate_, &position(3, 5), "close", 1),
            text(&crate_, &position(4, 5), "close", 1),
            text(&crate_, &position(3, 6), "close", 1),
            text(&crate_, &position(3, 5), "flush", 1),
            text(&crate_, &position(3, 5), "close", 2),
            text(&crate_, &Position { file: "src/db.rs".into(), ..position(3, 5) }, "close", 1),
        ];
        let distinct: std::collections::HashSet<_> = symbols.iter().collect();
        assert_eq!(distinct.len(), symbols.len(), "{symbols:#?}");
        // Without a compiler, as in this test, nothing but the count is left.
        let close = Ident::new("close", proc_macro2::Span::call_site());
        assert_ne!(symbol(&close), symbol(&close));
    }

    #[test]
    fn a_build_is_the_same_in_every_folder_and_however_options_are_spelt() {
        let folder = |folder| {
            let rustc =
                format!("--crate-name a --crate-type lib -C metadata=7 -C opt-level=3 {folder}/lib.rs");
            of(&[("CARGO_MANIFEST_DIR", folder)], &rustc)
        };
        assert_eq!(folder("/here"), folder("/there"));
        let spelt = "--crate-name=a --crate-type=lib --codegen metadata=7 --edition=2024";
        assert_eq!(folder("/here"), of(&[], spelt));
    }
}
