//! How reports are shown, and where else they go.

use std::fmt::Write;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use crate::config::resolve::HangReports;
use crate::os::text::Text;

/// With the file before it twice as much is kept: some hundred reports.
const LONGEST: u64 = 8 << 20;

static SETTINGS: OnceLock<HangReports> = OnceLock::new();

/// From now on; once in a process. The program may change its working directory later.
pub(crate) fn set(mut settings: HangReports) {
    settings.file = settings.file.map(|file| std::path::absolute(&file).unwrap_or(file));
    let _ = SETTINGS.set(settings);
}

/// What is wrong with the file: better told at the start than found out at 3 a.m. It is made if it is not there.
pub(crate) fn warning() -> Option<String> {
    let file = file()?;
    let error = open(file).err()?;
    Some(format!("LIFECYCLE_HANG_REPORT={}: {error}: hang reports go to stderr only", file.display()))
}

/// To add to it; what is too long becomes `.1`. A path of less than 384 bytes is opened without allocation.
pub(super) fn open(file: &Path) -> io::Result<File> {
    let opened = open_as_it_is(file)?;
    if opened.metadata()?.len() < LONGEST {
        return Ok(opened);
    }
    let mut old = Text::<384>::new();
    let _ = write!(old, "{}.1", file.display());
    std::fs::rename(file, old.as_str())?;
    open_as_it_is(file)
}

fn open_as_it_is(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A FIFO that nobody reads must not stop us, and nobody else may say which file it is.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).mode(0o600);
    }
    options.open(file)
}

pub(super) fn is_full() -> bool {
    SETTINGS.get().is_some_and(|settings| settings.full)
}

pub(super) fn is_json() -> bool {
    SETTINGS.get().is_some_and(|settings| settings.json)
}

pub(super) fn file() -> Option<&'static Path> {
    SETTINGS.get()?.file.as_deref()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_file_is_private_and_bounded_and_no_link_is_followed() {
        let folder = std::env::temp_dir().join(format!("lifecycle-reports-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (file, old, link) = (folder.join("hang.txt"), folder.join("hang.txt.1"), folder.join("link"));
        let made = open(&file).expect("ours").metadata().expect("there");
        assert_eq!(made.permissions().mode() & 0o777, 0o600);
        open(&file).and_then(|file| file.set_len(LONGEST)).expect("ours");
        assert_eq!(open(&file).and_then(|file| file.metadata()).expect("ours").len(), 0);
        assert_eq!(std::fs::metadata(&old).expect("kept").len(), LONGEST);
        symlink(&old, &link).expect("ours");
        assert!(open(&link).is_err());
        std::fs::remove_dir_all(&folder).expect("ours");
    }
}
