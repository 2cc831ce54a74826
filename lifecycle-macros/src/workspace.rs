//! Whose crate it is that carries an attribute: hang reports tell the code of its workspace from that of libraries.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use crate::private::Private;

/// Once in a crate: its name, and those of its workspace's other crates. Nothing for a crate that was downloaded, and in the unit
/// tests of this one.
pub(crate) fn submission(private: &Private) -> Option<TokenStream> {
    static IS_SUBMITTED: AtomicBool = AtomicBool::new(cfg!(test));
    let folder = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    let folder = Path::new(&folder);
    if is_downloaded(folder) || IS_SUBMITTED.swap(true, Relaxed) {
        return None;
    }
    let lock = folder.ancestors().find_map(|folder| std::fs::read_to_string(folder.join("Cargo.lock")).ok());
    let members = members(&lock.unwrap_or_default());
    Some(quote_spanned! {Span::mixed_site()=>
        #private::inventory::submit! {
            #private::Workspace { module: ::core::module_path!(), members: #members }
        }
    })
}

/// Cargo leaves a mark in the folder of each package that it unpacks, and `cargo vendor` another one.
fn is_downloaded(folder: &Path) -> bool {
    [".cargo-ok", ".cargo-checksum.json"].iter().any(|mark| folder.join(mark).exists())
}

/// The packages of a lock file that come from no registry and no repository, as crates are named: `app,app_core`.
fn members(lock: &str) -> String {
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line.map(|line| line.trim_end_matches('"').replace('-', "_"))
    };
    let packages = lock.split("[[package]]").skip(1);
    let own = packages.filter(|package| value(package, "source").is_none());
    own.filter_map(|package| value(package, "name")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_without_a_source_are_those_of_the_workspace() {
        let lock = r#"
version = 4

[[package]]
name = "my-app"
version = "0.1.0"
dependencies = [
 "tokio",
]

[[package]]
name = "tokio"
version = "1.54.1"
source = "registry+https://example.org/index"

[[package]]
name = "feeds"
version = "0.1.0"
"#;
        assert_eq!(members(lock), "my_app,feeds");
        assert_eq!(members(""), "");
    }

    #[test]
    fn an_unpacked_package_is_known_by_its_mark() {
        let folder = std::env::temp_dir().join(format!("lifecycle-unpacked-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        assert!(!is_downloaded(&folder));
        std::fs::write(folder.join(".cargo-ok"), "").expect("ours");
        assert!(is_downloaded(&folder));
        std::fs::remove_dir_all(&folder).expect("ours");
    }
}
