//! The user's own crates: those that carry an attribute, and the others of their workspaces.

use std::fmt::{self, Display};

/// Submitted by the attributes, once in a crate.
#[derive(Debug)]
pub struct Workspace {
    /// Begins with the name of the crate.
    pub module: &'static str,
    /// The packages that were not downloaded, as crates are named, with commas in between.
    pub members: &'static str,
}

inventory::collect!(Workspace);

/// All of them, with commas in between; allocates nothing.
pub(super) struct Crates;

impl Display for Crates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        inventory::iter::<Workspace>.into_iter().try_for_each(|Workspace { module, members }| {
            write!(f, "{},{members},", module.split("::").next().unwrap_or_default())
        })
    }
}
