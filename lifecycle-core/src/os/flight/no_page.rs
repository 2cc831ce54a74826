//! Systems without a mapping that is known to survive the process.

use std::io;
use std::path::Path;

use super::entry::Entry;

pub(super) struct Page;

impl Page {
    pub(super) fn open(_: &Path) -> io::Result<Page> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn store(&self, _: &Entry) {}
}

pub(super) fn bytes(_: &Path) -> Option<Vec<u8>> {
    None
}

#[allow(dead_code, reason = "there is no SIGBUS")]
pub(crate) fn recover(_: *const std::ffi::c_void) -> bool {
    false
}
