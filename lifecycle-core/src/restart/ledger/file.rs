//! The ledger's file: read within bounds, written whole or not at all, one process at a time. No link is followed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::os::process::Identity;
use crate::restart::ledger::crash_note::{self, CrashNote};
use crate::restart::ledger::format::Record;

/// The file's name where nobody chose another: whatever lies there is meant to be a ledger.
pub(crate) const NAME: &str = ".restart_count";

/// No honest ledger is larger: a hundred crashes of 500 characters fit in ten times.
const LARGEST: u64 = 1 << 20;

/// Another process holds the lock for the time of one write.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Held while the file is read, changed and written.
pub(crate) struct Lock {
    _file: File,
}

/// Of a file beside the ledger, since the ledger itself is replaced at each write.
pub(crate) fn lock(path: &Path, timeout: Duration) -> io::Result<Lock> {
    let file = options().create(true).write(true).truncate(false).open(beside(path, ".lock"))?;
    let until = Instant::now() + timeout;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds its lock"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// What the file holds.
pub(crate) enum Contents {
    Missing,
    Record(Record),
    /// A broken ledger, to be set aside; the reason.
    Bad(String),
    /// Not ours, or not for us to read: left exactly as it is.
    Unreadable(String),
}

/// Why the path is not a ledger's. Nothing is opened but a plain file: a FIFO would block, a device may do anything, and
/// a link may lead anywhere.
pub(crate) fn refused(path: &Path) -> Option<String> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    if kind.is_file() {
        let is_foreign = !is_named_like_ours(path) && !begins_like_a_ledger(&beginning(path)?);
        return is_foreign.then(|| "another program's file: it is left alone".into());
    }
    if kind.is_symlink() && is_own_dangling_link(path) {
        return None;
    }
    Some(if kind.is_dir() {
        "a folder: it is left alone".into()
    } else if kind.is_symlink() {
        "a symbolic link, which is not followed: name the file itself".into()
    } else {
        "a device, a pipe or a socket: it is left alone".into()
    })
}

/// Whether there is neither a ledger nor a note.
pub(crate) fn is_missing(path: &Path) -> bool {
    let missing =
        |path: &Path| fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    missing(path) && missing(&crash_note_file(path))
}

pub(crate) fn read(path: &Path) -> Contents {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Contents::Missing,
        Err(error) => return Contents::Unreadable(error.to_string()),
    };
    if let Some(reason) = refused(path) {
        return Contents::Unreadable(reason);
    }
    if metadata.is_symlink() {
        return Contents::Bad("a link that leads nowhere".into());
    }
    let mut bytes = Vec::new();
    let read =
        options().read(true).open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Contents::Unreadable(error.to_string());
    }
    let parsed = if bytes.len() as u64 > LARGEST {
        Err(format!("{} bytes", metadata.len()))
    } else {
        Record::parse(&bytes)
    };
    match parsed {
        Ok(record) => Contents::Record(record),
        Err(reason) => Contents::Bad(reason),
    }
}

fn is_named_like_ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == NAME)
}

fn is_own_dangling_link(path: &Path) -> bool {
    is_named_like_ours(path) && fs::metadata(path).is_err()
}

fn beginning(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    options().read(true).open(path).ok()?.take(64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// As ours begin, up to where they were cut.
fn begins_like_a_ledger(bytes: &[u8]) -> bool {
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    text.starts_with(b"{\"version\":")
}

/// Moves a bad file out of the way; returns its new name.
pub(crate) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = (0..100)
        .map(|n| beside(path, &if n == 0 { ".bad".to_owned() } else { format!(".bad.{n}") }))
        .find(|aside| fs::symlink_metadata(aside).is_err())
        .ok_or_else(|| {
            io::Error::new(io::ErrorKind::AlreadyExists, "a hundred bad files lie there already")
        })?;
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// What a change must survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survives {
    /// The process's death: what the kernel has is enough.
    Process,
    /// The power's, too: fsync, which costs milliseconds.
    Power,
}

/// Temporary file and rename: whenever the process dies, the file has the old contents, or the new.
pub(crate) fn write(path: &Path, bytes: &[u8], survives: Survives) -> io::Result<()> {
    let temporary = beside(path, &format!(".{}.tmp", std::process::id()));
    // Made anew: what lies there is a leftover of a process that had our pid, or a trap.
    let _ = fs::remove_file(&temporary);
    let written = options()
        .create_new(true)
        .write(true)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            if survives == Survives::Power { file.sync_all() } else { Ok(()) }
        })
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
        return written;
    }
    if survives == Survives::Process {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Bytes that one `pwrite` changes as a whole: the kernel looks for SIGKILL between pages only.
const PAGE: usize = 4096;

/// A mark, which must survive the process alone. What was longer is padded with spaces, so that one call changes all of
/// it. Where that cannot be, the file is written as by [`write`]; what it may hold of crashes must not get lost then.
pub(crate) fn write_mark(path: &Path, bytes: &[u8], has_crashes: bool) -> io::Result<()> {
    match try_in_place(path, bytes) {
        Some(()) => Ok(()),
        None => write(path, bytes, if has_crashes { Survives::Power } else { Survives::Process }),
    }
}

#[cfg(unix)]
fn try_in_place(path: &Path, bytes: &[u8]) -> Option<()> {
    use std::os::unix::fs::FileExt;
    let file = options().write(true).open(path).ok()?;
    let length = usize::try_from(file.metadata().ok().filter(fs::Metadata::is_file)?.len()).ok()?;
    if length == 0 || length.max(bytes.len()) > PAGE {
        return None;
    }
    let mut padded = bytes.to_vec();
    padded.resize(length.max(bytes.len()), b' ');
    let written = file.write_at(&padded, 0).ok()?;
    (written == padded.len()).then_some(())
}

#[cfg(not(unix))]
fn try_in_place(_: &Path, _: &[u8]) -> Option<()> {
    None
}

/// Where a dying process leaves its note.
pub(crate) fn crash_note_file(path: &Path) -> PathBuf {
    beside(path, crash_note::SUFFIX)
}

/// What processes noted when they died, in a file beside the ledger; `None` if there is none.
pub(crate) fn crash_notes(path: &Path) -> Option<Vec<(Identity, CrashNote)>> {
    let file = crash_note_file(path);
    fs::symlink_metadata(&file).ok().filter(fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    options().read(true).open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).ok()?;
    Some(String::from_utf8_lossy(&bytes).lines().filter_map(crash_note::parse).collect())
}

/// They are in the ledger now.
pub(crate) fn forget_crash_notes(path: &Path) {
    // If it fails they are read again, and belong to no run that is still known.
    let _ = fs::remove_file(crash_note_file(path));
}

/// Only the service's user may read what it crashed of. What took the place of a plain file meanwhile blocks nobody.
fn options() -> OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::begins_like_a_ledger;

    #[test]
    fn a_ledger_is_known_by_its_first_field() {
        for (bytes, ours) in [
            (&br#"{"version": 1, "ru"#[..], true),
            (b"{\n  \"version\": 9", true),
            (b"", false),
            (b"{", false),
            (b"version = 1", false),
            (br#"{"name": "x", "version": 1}"#, false),
        ] {
            assert_eq!(begins_like_a_ledger(bytes), ours, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
