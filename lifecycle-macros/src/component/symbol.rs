//! The symbol that ties a hook's static to its function: unique among everything that is linked together.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use syn::Ident;
use syn::ext::IdentExt;

/// Hooks expanded by this process, which is one crate's compiler.
static EXPANDED: AtomicUsize = AtomicUsize::new(0);

/// Hashed: two versions of a crate, a library and its binaries, two crates of one name.
const CRATE: [&str; 5] =
    ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_MANIFEST_DIR", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"];

/// A new symbol for a hook. A test build of the crate must add a suffix, since it is linked with the crate itself.
pub(super) fn symbol(function: &Ident) -> String {
    // `DefaultHasher::new` has fixed keys: a build is reproducible.
    let mut hasher = DefaultHasher::new();
    CRATE.map(std::env::var_os).hash(&mut hasher);
    // Relaxed: only uniqueness counts.
    let count = EXPANDED.fetch_add(1, Ordering::Relaxed);
    format!("__lifecycle_{:016x}_{count}_{}", hasher.finish(), function.unraw())
}
