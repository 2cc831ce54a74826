//! The ledger's file: read within bounds, written whole or not at all, one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::ledger::death::{self, LastWords};
use crate::ledger::format::Record;
use crate::process::Identity;

/// No honest ledger is larger: a hundred crashes of 500 characters fit in ten times.
const LARGEST: u64 = 1 << 20;

/// Another process holds the lock for the time of one write.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Held while the file is read, changed and written.
pub(crate) struct Lock {
    _file: Option<File>,
}

/// A file beside the ledger, since the ledger itself is replaced at each write. `Err` goes on without it.
pub(crate) fn lock(path: &Path) -> io::Result<Lock> {
    let file = options().create(true).write(true).truncate(false).open(beside(path, ".lock"))?;
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: Some(file) }),
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

/// What stands in the file.
pub(crate) enum Contents {
    Missing,
    Record(Record),
    /// Not a ledger, to be set aside; the reason.
    Bad(String),
    /// A file that we may not read, so it is not ours to move.
    Foreign(String),
}

pub(crate) fn read(path: &Path) -> Contents {
    // What is not a plain file is not opened at all: a FIFO would block, a device may do anything.
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Contents::Bad("not a plain file".into()),
        Ok(metadata) if metadata.len() > LARGEST => {
            return Contents::Bad(format!("{} bytes", metadata.len()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => {
            return Contents::Missing;
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Contents::Foreign(error.to_string());
        }
        Err(error) => return Contents::Bad(error.to_string()),
    }
    let mut bytes = Vec::new();
    if let Err(error) = File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)) {
        return Contents::Foreign(error.to_string());
    }
    match Record::parse(&bytes) {
        Ok(record) => Contents::Record(record),
        Err(reason) => Contents::Bad(reason),
    }
}

/// Whether the path is that of something that is certainly not ours, nor is its folder: `/dev/null`, somebody's socket.
#[cfg(unix)]
pub(crate) fn is_device(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path)
        .map(|metadata| metadata.file_type())
        .is_ok_and(|kind| kind.is_char_device() || kind.is_block_device() || kind.is_socket())
}

#[cfg(not(unix))]
pub(crate) fn is_device(_: &Path) -> bool {
    false
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

/// Temporary file, fsync, rename, fsync of the folder: after a crash the old contents stand there, or the new.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link to a file elsewhere, such as on a volume, stays a link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let temporary = beside(&target, &format!(".{}.tmp", std::process::id()));
    // Made anew: what lies there is a leftover of a process that had our pid, or a trap.
    let _ = fs::remove_file(&temporary);
    let written = options()
        .create_new(true)
        .write(true)
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
        return written;
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Where a dying process leaves its last words.
pub(crate) fn last_words_file(path: &Path) -> PathBuf {
    beside(path, death::SUFFIX)
}

/// What processes said when they died, in a file beside the ledger; `None` if there is none.
pub(crate) fn last_words(path: &Path) -> Option<Vec<(Identity, LastWords)>> {
    let file = last_words_file(path);
    fs::symlink_metadata(&file).ok().filter(fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    File::open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).ok()?;
    Some(String::from_utf8_lossy(&bytes).lines().filter_map(death::parse).collect())
}

/// They stand in the ledger now.
pub(crate) fn forget_last_words(path: &Path) {
    // If it fails they are read again, and belong to no run that is still known.
    let _ = fs::remove_file(last_words_file(path));
}

/// Only the service's user may read what it crashed of.
fn options() -> OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
