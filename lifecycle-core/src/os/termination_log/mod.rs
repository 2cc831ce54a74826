//! Why the process ends, for Kubernetes: a file that `kubectl describe pod` shows the end of. May be called while the process is
//! broken: it allocates nothing and takes no lock.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

use std::ffi::{CString, OsString};
use std::fmt::{self, Write};
use std::sync::OnceLock;

use crate::os::text::Text;

#[cfg(not(unix))]
use other as system;
#[cfg(unix)]
use unix as system;

/// Names another file.
pub(crate) const VARIABLE: &str = "LIFECYCLE_TERMINATION_LOG";

/// Kubernetes' own, unless `terminationMessagePath` says otherwise.
const DEFAULT: &str = "/dev/termination-log";

/// Kubernetes keeps no more.
const LONGEST: usize = 4096;

/// Process-wide, as its end is. Set once, at the start.
static PATH: OnceLock<CString> = OnceLock::new();

/// `named`: the value of the variable; an empty one counts as not set.
pub(crate) fn prepare(named: Option<OsString>) {
    let named = named.filter(|path| !path.is_empty()).unwrap_or_else(|| DEFAULT.into());
    // A path that no file can have is none.
    if let Ok(path) = CString::new(named.into_encoded_bytes()) {
        PATH.get_or_init(|| path);
    }
}

/// Replaces what is in the file. Nothing happens where there is no such file, or it may not be written.
pub(crate) fn write(text: fmt::Arguments<'_>) {
    let mut kept = Text::<LONGEST>::new();
    // Never fails but by a `Display` that does: what it wrote before is kept.
    let _ = kept.write_fmt(text);
    if let Some(path) = PATH.get() {
        system::write(path, kept.as_bytes());
    }
}
