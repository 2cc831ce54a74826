//! Systems whose executables are told apart by their files.

use std::fs::{self, Metadata};

pub(super) fn build_id() -> Option<Vec<u8>> {
    None
}

pub(super) fn executable() -> Option<Metadata> {
    fs::metadata(std::env::current_exe().ok()?).ok()
}
