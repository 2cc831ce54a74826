//! Whose code a frame is. Pure.

use lifecycle_os::text::Text;

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

/// By the file, where it is known; else by the crate that the name begins with.
pub(crate) fn author(name: &str, file: Option<&str>, own: &[Text<32>]) -> Author {
    let krate = name.split("::").next().unwrap_or_default();
    let has_path = name.contains("::");
    let mut own = OWN.into_iter().chain(own.iter().map(Text::as_str)).filter(|own| !own.is_empty());
    if own.any(|own| (has_path && krate == own) || file.is_some_and(|file| is_of(file, own))) {
        return Author::Own;
    }
    // What the attributes generate stands at the user's own lines.
    if name.contains("__lifecycle_") {
        return Author::Library;
    }
    let is_library = match file {
        Some(file) => is_library_file(file),
        // A name of C's, or of the linker's.
        None => !has_path || LIBRARIES.contains(&krate) || krate.starts_with("__"),
    };
    if is_library { Author::Library } else { Author::User }
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

/// The folder of the workspace: what stands before the folder of a `known` file of the program's, in a full path.
pub(crate) fn root<'a>(file: &'a str, known: &str) -> Option<&'a str> {
    let folder = &known[..=known.rfind('/')?];
    let (at, _) = file.match_indices(folder).find(|(at, _)| file[..*at].ends_with('/'))?;
    Some(&file[..at])
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
            assert_eq!(author(name, file, &[Text::of("lifecycle_core")]), expected, "{name} {file:?}");
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
        assert_eq!(root("/w/tests/src/bin/matrix.rs", "tests/src/bin/beats.rs"), Some("/w/"));
        assert_eq!(root("/w/xtests/a.rs", "tests/a.rs"), None);
        assert_eq!(root("/w/main.rs", "main.rs"), None);
    }
}
