//! Which build of the program runs. Not for a process that is broken.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use std::fmt::Write;
use std::fs::Metadata;
use std::time::UNIX_EPOCH;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

/// The linker's build id, which a copy of the file shares; else the file's inode, size and time. `None` where the system
/// tells neither.
pub(crate) fn current() -> Option<String> {
    let id = system::build_id().filter(|id| !id.is_empty()).map(|id| {
        id.iter().take(32).fold("id-".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    });
    id.or_else(|| Some(of_file(&system::executable()?)))
}

fn of_file(metadata: &Metadata) -> String {
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("file-{}-{}-{}", inode(metadata), metadata.len(), changed.unwrap_or_default().as_nanos())
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_told_from_another() {
        assert_eq!(current(), current());
        assert!(current().is_some_and(|build| build.starts_with("id-") || build.starts_with("file-")));
        let folder = tempfile();
        let (one, two) = (folder.join("one"), folder.join("two"));
        std::fs::write(&one, "x").expect("written");
        std::fs::copy(&one, &two).expect("copied");
        let build = |path| of_file(&std::fs::metadata(path).expect("there"));
        assert_eq!(build(&one), build(&one));
        assert!(build(&one) != build(&two) || cfg!(not(unix)));
        std::fs::remove_dir_all(folder).expect("ours");
    }

    fn tempfile() -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("lifecycle-build-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }
}
