//! Whose code a frame is. Pure.

use lifecycle_os::text::Text;

use crate::dump::{Facts, OWN_CRATES};

/// Who wrote the code of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Author {
    #[default]
    Library,
    /// This crate, or one that asks for reports.
    Own,
    User,
    /// There is no name to tell by.
    Unknown,
}

/// Crates whose functions are no user's, for a program without line tables, where only names are left.
const LIBRARIES: [&str; 44] = [
    "std",
    "core",
    "alloc",
    "tokio",
    "tokio_util",
    "mio",
    "futures",
    "futures_util",
    "futures_core",
    "futures_executor",
    "futures_channel",
    "hyper",
    "hyper_util",
    "h2",
    "http",
    "axum",
    "axum_core",
    "tower",
    "tower_http",
    "tonic",
    "reqwest",
    "rustls",
    "notify",
    "sqlx",
    "sqlx_core",
    "redis",
    "parking_lot",
    "parking_lot_core",
    "lock_api",
    "crossbeam_channel",
    "crossbeam_utils",
    "flume",
    "rayon",
    "rayon_core",
    "async_channel",
    "tracing",
    "tracing_core",
    "tracing_subscriber",
    "serde",
    "serde_json",
    "inventory",
    "once_cell",
    "backtrace",
    "anyhow",
];

/// Crates of the report's own.
const OWN: [&str; 2] = ["lifecycle_hang", "lifecycle_os"];

/// By whose crates authors are known.
pub(crate) struct Crates {
    /// That drive the program's tasks.
    own: [Text<32>; OWN_CRATES],
    /// The program's own, with commas in between; empty if they are not known.
    users: Text<4096>,
}

impl Crates {
    pub(crate) fn of(facts: &Facts) -> Crates {
        Crates { own: facts.own, users: facts.crates }
    }

    /// By the file, if it lies in the workspace or is a library's; else by the crate that the name begins with.
    pub(crate) fn author(&self, name: &str, file: Option<&str>, root: &str) -> Author {
        let krate = name.split("::").next().filter(|_| name.contains("::"));
        let mut own = OWN.into_iter().chain(self.own.iter().map(Text::as_str)).filter(|own| !own.is_empty());
        if own.any(|own| krate == Some(own) || file.is_some_and(|file| is_of(file, own))) {
            return Author::Own;
        }
        // What the attributes generate stands at the user's own lines.
        if name.contains("__lifecycle_") {
            return Author::Library;
        }
        if self.is_users(krate, file, root) { Author::User } else { Author::Library }
    }

    fn is_users(&self, krate: Option<&str>, file: Option<&str>, root: &str) -> bool {
        let is_member = krate.is_some_and(|krate| self.users.as_str().split(',').any(|user| user == krate));
        let inside = file.filter(|_| !root.is_empty()).and_then(|file| file.strip_prefix(root));
        match (inside, file) {
            // Of generated code, and of a crate that was copied into the workspace, only its name tells.
            (Some(inside), _) if ["vendor/", "target/"].iter().any(|folder| inside.starts_with(folder)) => {
                is_member
            }
            (Some(inside), _) => inside.ends_with(".rs"),
            (None, Some(file)) if is_library_file(file) && (self.users.is_empty() || !is_member) => false,
            (None, Some(_)) if self.users.is_empty() || krate.is_none() && root.is_empty() => true,
            (None, None) if self.users.is_empty() => {
                // A name of C's, or of the linker's.
                krate.is_some_and(|krate| !LIBRARIES.contains(&krate) && !krate.starts_with("__"))
            }
            (None, _) => is_member,
        }
    }
}

/// Whether the file lies in the sources of a crate, whose folder has its name with dashes.
fn is_of(file: &str, krate: &str) -> bool {
    let mut ends = file.match_indices("/src/").map(|(at, _)| &file[..at]);
    ends.any(|folder| {
        let name = folder.rsplit('/').next().unwrap_or_default();
        name.len() == krate.len()
            && name.bytes().zip(krate.bytes()).all(|(a, b)| a == b || (a, b) == (b'-', b'_'))
    })
}

fn is_library_file(file: &str) -> bool {
    // The C library's files are relative to the folder that it was built in.
    let prefixes = ["/rustc/", "./", "../", "<"];
    let parts = ["/rustlib/src/rust/", "/registry/src/", "/git/checkouts/", "/vendor/", "/library/std/src/"];
    prefixes.iter().any(|prefix| file.starts_with(prefix))
        || parts.iter().any(|part| file.contains(part))
        || !file.ends_with(".rs")
}

/// A file as the compiler was given it. `root` is where the workspace lies, if that is known.
pub(crate) fn relative<'a>(file: &'a str, root: &str) -> &'a str {
    if !root.is_empty()
        && let Some(rest) = file.strip_prefix(root)
    {
        return rest;
    }
    if let Some(at) = file.find("/registry/src/") {
        let rest = &file[at + "/registry/src/".len()..];
        return rest.split_once('/').map_or(rest, |(_index, rest)| rest);
    }
    if let Some(at) =
        file.find("/library/").filter(|_| file.starts_with("/rustc/") || file.contains("/rustlib/"))
    {
        return &file[at + 1..];
    }
    for folder in ["/src/", "/tests/", "/examples/", "/benches/"] {
        // With the crate's folder: there may be a file of this name in each.
        if let Some(at) = file.rfind(folder).filter(|_| file.starts_with('/')) {
            return &file[file[..at].rfind('/').map_or(0, |at| at + 1)..];
        }
    }
    file
}

/// Where the folder of the workspace ends, in a full path of a `known` file of the program's.
pub(crate) fn root_of_file(file: &str, known: &str) -> Option<usize> {
    let root = file.strip_suffix(known)?;
    root.ends_with('/').then_some(root.len())
}

/// The same by a file in the same folder.
pub(crate) fn root_of_folder(file: &str, known: &str) -> Option<usize> {
    let folder = &known[..=known.rfind('/')?];
    let is_whole = |at: &usize| file[..*at].ends_with('/');
    file.rmatch_indices(folder).map(|(at, _)| at).find(is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_known_by_file_or_name() {
        for (name, file, expected) in [
            ("bank::debit", Some("/home/me/bank/src/main.rs"), Author::User),
            ("lock", Some("/rustc/59807616e/library/std/src/sync/poison/mutex.rs"), Author::Library),
            (
                "lock",
                Some("/x/toolchains/stable/lib/rustlib/src/rust/library/std/src/sync/mutex.rs"),
                Author::Library,
            ),
            (
                "tokio::time::sleep",
                Some("/x/registry/src/index.crates.io-1/tokio-1.54.1/src/time.rs"),
                Author::Library,
            ),
            ("usleep", Some("./posix/usleep.c"), Author::Library),
            ("usleep", None, Author::Library),
            ("start_thread", None, Author::Library),
            ("bank::debit", None, Author::User),
            ("core::ops::function::FnOnce::call_once", None, Author::Library),
            ("lifecycle_core::run::host", None, Author::Own),
            ("host", Some("/w/lifecycle-core/src/run.rs"), Author::Own),
            ("main", Some("/w/lifecycle-hang/examples/main.rs"), Author::User),
        ] {
            assert_eq!(crates("").author(name, file, ""), expected, "{name} {file:?}");
        }
    }

    fn crates(users: &str) -> Crates {
        let mut own = [Text::new(); OWN_CRATES];
        own[0] = Text::of("lifecycle_core");
        Crates { own, users: Text::of(users) }
    }

    #[test]
    fn where_the_workspace_is_known_its_crates_tell() {
        let crates = crates("bank,bank_core,");
        let vendored = "/x/vendor/bank/vendor/tokio-1.54.1/src/time.rs";
        for (name, file, root, expected) in [
            // A plain release.
            ("bank::debit", None, "", Author::User),
            ("bank_core::Ledger::add", None, "", Author::User),
            ("regex::Regex::find", None, "", Author::Library),
            ("T::to_string", None, "", Author::Library),
            ("usleep", None, "", Author::Library),
            // A checkout below a folder of that name, before and after that is known.
            ("bank::debit", Some("/x/vendor/bank/src/main.rs"), "", Author::User),
            ("debit", Some("/x/vendor/bank/src/main.rs"), "/x/vendor/bank/", Author::User),
            ("lock", Some(vendored), "/x/vendor/bank/", Author::Library),
            ("tokio::time::sleep", Some(vendored), "/x/vendor/bank/", Author::Library),
            // Generated code.
            ("bank::api::Order::new", Some("/w/target/debug/build/bank-1/out/api.rs"), "/w/", Author::User),
            ("new", Some("/w/target/debug/build/prost-1/out/api.rs"), "/w/", Author::Library),
            // Other prefixes.
            ("bank::debit", Some("/app/src/main.rs"), "", Author::User),
            ("tokio::time::sleep", Some("/deps/tokio-1.54.1/src/time.rs"), "", Author::Library),
            ("debit", Some("/app/src/bank.rs"), "/app/", Author::User),
            ("sleep", Some("/deps/tokio-1.54.1/src/time.rs"), "/app/", Author::Library),
        ] {
            assert_eq!(crates.author(name, file, root), expected, "{name} {file:?} {root}");
        }
    }

    #[test]
    fn files_are_shown_as_the_compiler_was_given_them() {
        for (file, expected) in [
            ("/w/tests/src/bin/matrix.rs", "tests/src/bin/matrix.rs"),
            ("/home/me/bank/src/main.rs", "bank/src/main.rs"),
            ("/x/registry/src/index-1/tokio-1.54.1/src/time/sleep.rs", "tokio-1.54.1/src/time/sleep.rs"),
            ("/rustc/5980/library/std/src/sync/mutex.rs", "library/std/src/sync/mutex.rs"),
            ("src/main.rs", "src/main.rs"),
        ] {
            assert_eq!(relative(file, "/w/"), expected);
        }
        let matrix = "/w/tests/src/bin/matrix.rs";
        assert_eq!(root_of_folder(matrix, "tests/src/bin/beats.rs"), Some("/w/".len()));
        assert_eq!(root_of_file(matrix, "tests/src/bin/beats.rs"), None);
        assert_eq!(root_of_file(matrix, "src/bin/matrix.rs"), Some("/w/tests/".len()));
        assert_eq!(root_of_folder("/home/src/app/src/feed.rs", "src/main.rs"), Some("/home/src/app/".len()));
        assert_eq!(root_of_folder("/w/xtests/a.rs", "tests/a.rs"), None);
        assert_eq!(root_of_folder("/w/main.rs", "main.rs"), None);
    }
}
