//! The same program as another build.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What stands before the twenty bytes of a GNU build id: three lengths, the kind, and the name.
const NOTE: &[u8] = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";

/// A copy in `folder`, of the same name, that the linker would have given another build id. Without an id the copy alone is
/// another build.
///
/// # Panics
/// If it cannot be read or written.
#[must_use]
pub fn another(program: &str, folder: &Path) -> PathBuf {
    let mut bytes = std::fs::read(program).expect("a program");
    if let Some(at) = bytes.windows(NOTE.len()).position(|window| window == NOTE) {
        bytes[at + NOTE.len()] ^= 0xff;
    }
    write(program, &bytes, folder)
}

/// A copy in `folder`, of the same name and the same build id, if it has one.
///
/// # Panics
/// As `another`.
#[must_use]
pub fn copy(program: &str, folder: &Path) -> PathBuf {
    write(program, &std::fs::read(program).expect("a program"), folder)
}

/// By a process of its own: a child that another test forks meanwhile would hold the file open, and it could not be executed.
fn write(program: &str, bytes: &[u8], folder: &Path) -> PathBuf {
    let (contents, copy) =
        (folder.join("contents"), folder.join(Path::new(program).file_name().expect("a name")));
    std::fs::write(&contents, bytes).expect("written");
    let copied = Command::new("cp").arg("--remove-destination").args([&contents, &copy]).status();
    assert!(copied.is_ok_and(|status| status.success()));
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).expect("ours");
    copy
}
