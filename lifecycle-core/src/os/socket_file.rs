//! The file of a Unix socket: it takes the place of a dead one, and is removed only while it is the one that was bound.

use std::fs::{File, Permissions, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};

/// Whoever binds in the same folder has its lock for less than a millisecond.
const PATIENCE: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Listens at `path`. A socket on which nobody listens any more is replaced; what is in use, or is no socket, stays.
pub(crate) fn listen(path: &Path, backlog: i32, mode: Option<u32>) -> io::Result<Socket> {
    // Whether a socket is dead and its removal are two steps; another process must not bind between them, nor look at ours
    // before it listens.
    let _lock = lock(path.parent().filter(|folder| !folder.as_os_str().is_empty()));
    remove_dead(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let socket = if let Some(mode) = mode { restrict(socket, mode) } else { socket };
    socket.bind(&SockAddr::unix(path)?)?;
    if let Some(mode) = mode {
        std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    socket.listen(backlog)?;
    Ok(socket)
}

/// On Linux the file gets the mode of the socket, less the umask: it is never open to more than it will be.
fn restrict(socket: Socket, mode: u32) -> Socket {
    let file = File::from(OwnedFd::from(socket));
    // Elsewhere an error.
    let _ = file.set_permissions(Permissions::from_mode(mode));
    Socket::from(OwnedFd::from(file))
}

/// Advisory; without it (a folder that may not be read) nothing but the race is lost.
fn lock(folder: Option<&Path>) -> Option<File> {
    let folder = File::open(folder.unwrap_or(Path::new("."))).ok()?;
    let until = Instant::now() + PATIENCE;
    while let Err(TryLockError::WouldBlock) = folder.try_lock() {
        if Instant::now() > until {
            return None;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Some(folder)
}

fn remove_dead(path: &Path) -> io::Result<()> {
    let Some(file) = SocketFile::at(path) else { return Ok(()) };
    // Of another type, so that a living service is left alone: it would be refused for that, and not for want of a socket.
    let asked = UnixDatagram::unbound()?.connect(path);
    let is_dead = asked.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if is_dead { file.unlink() } else { Ok(()) }
}

/// A socket's file, as it was when it was looked at.
pub(crate) struct SocketFile {
    path: PathBuf,
    /// With the time at which it was made, since numbers are used again. Its mode may change.
    device_inode_made: (u64, u64, (i64, i64)),
}

impl SocketFile {
    /// `None` if there is none, or it is something else. Links are not followed.
    pub(crate) fn at(path: &Path) -> Option<SocketFile> {
        let file = std::fs::symlink_metadata(path).ok().filter(|file| file.file_type().is_socket())?;
        let device_inode_made = (file.dev(), file.ino(), (file.mtime(), file.mtime_nsec()));
        Some(SocketFile { path: path.to_owned(), device_inode_made })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is still the same one.
    pub(crate) fn is_there(&self) -> bool {
        SocketFile::at(&self.path).is_some_and(|file| file.device_inode_made == self.device_inode_made)
    }

    /// Removes it, unless it is another one by now.
    pub(crate) fn remove(&self) {
        let _lock = lock(self.path.parent());
        if self.is_there() {
            let _ = self.unlink();
        }
    }

    fn unlink(&self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_socket_is_replaced_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("lifecycle-socket-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("app.sock");
        let first = listen(&path, 1, Some(0o600)).expect("bound");
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(listen(&path, 1, None).expect_err("in use").kind(), io::ErrorKind::AddrInUse);
        let file = SocketFile::at(&path).expect("a socket");
        drop(first);
        let _second = listen(&path, 1, Some(0o666)).expect("replaced");
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o666, "whatever the umask");
        file.remove();
        assert!(path.exists(), "another one's");
        SocketFile::at(&path).expect("a socket").remove();
        std::fs::write(&path, "text").expect("written");
        assert_eq!(listen(&path, 1, None).expect_err("a file").kind(), io::ErrorKind::AddrInUse);
        let link = folder.join("link");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        assert!(listen(&link, 1, None).is_err());
        assert_eq!(std::fs::read_to_string(&path).expect("kept"), "text");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
