//! Variables that are meant for this process alone: a child must not inherit them.

use std::ffi::OsString;

/// Takes a variable out of the environment. To be called at the start, before anything of the program runs.
pub(crate) fn take(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    // SAFETY: the generated main calls this first, when there is no other thread that could read the environment.
    unsafe { std::env::remove_var(name) };
    Some(value)
}
