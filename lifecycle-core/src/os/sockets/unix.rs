//! A descriptor of our own for each socket, which a child does not inherit and the next image does.

use std::ffi::c_int;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

use socket2::{SockAddr, SockRef, Socket, Type};

use crate::model::address::ListenAddress;
use crate::os::re_exec::HandedOn;

/// A socket that stays open when the service closes its own.
pub(crate) struct Kept {
    /// Declared first: it is handed on no more when the descriptor is closed. `None` if there are too many.
    handed_on: Option<HandedOn>,
    descriptor: OwnedFd,
    /// It came by `LISTEN_FDS`, and has its number in the next image.
    is_passed: bool,
}

impl Kept {
    /// A second descriptor for `listener`, with a number from `least` on.
    pub(crate) fn of(listener: &Socket, least: c_int, label: &str) -> io::Result<Kept> {
        let descriptor = duplicate(listener.as_raw_fd(), least)?;
        Ok(Kept {
            handed_on: HandedOn::new(descriptor.as_raw_fd(), None, label),
            descriptor,
            is_passed: false,
        })
    }

    /// Takes over what an earlier image of this process has handed on; `None` if there is no such descriptor.
    pub(crate) fn inherited(descriptor: c_int, label: &str) -> Option<Kept> {
        if descriptor < 3 || !close_on_exec(descriptor) {
            return None;
        }
        // SAFETY: it is open, and the variable that names it was written for us alone.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Some(Kept {
            handed_on: HandedOn::new(descriptor.as_raw_fd(), None, label),
            descriptor,
            is_passed: false,
        })
    }

    /// A second descriptor for one that a service manager has passed, which the service may take by itself as well. The next
    /// image finds it under the same number. `None` if there is no such descriptor.
    pub(crate) fn passed(descriptor: c_int, least: c_int, label: &str) -> Option<Kept> {
        if !close_on_exec(descriptor) {
            return None;
        }
        let copy = duplicate(descriptor, least).ok()?;
        let handed_on = HandedOn::new(copy.as_raw_fd(), Some(descriptor), label);
        Some(Kept { handed_on, descriptor: copy, is_passed: true })
    }

    /// Whether `LISTEN_FDS` counts it.
    pub(crate) fn is_passed(&self) -> bool {
        self.is_passed
    }

    /// Where it listens; `None` if it is no stream socket of TCP or Unix, or does not listen.
    pub(crate) fn address(&self) -> Option<ListenAddress> {
        let socket = SockRef::from(&self.descriptor);
        if !self.listens() || socket.r#type().ok()? != Type::STREAM {
            return None;
        }
        let address = socket.local_addr().ok()?;
        let tcp = address.as_socket().map(ListenAddress::Tcp);
        tcp.or_else(|| address.is_unix().then(|| ListenAddress::Unix(unix_path(&address))))
    }

    /// `socket2` does not know it on macOS.
    fn listens(&self) -> bool {
        let (mut listens, mut len): (c_int, libc::socklen_t) = (0, 4);
        // SAFETY: an int, and its length.
        let asked = unsafe {
            let value = (&raw mut listens).cast();
            let socket = self.descriptor.as_raw_fd();
            libc::getsockopt(socket, libc::SOL_SOCKET, libc::SO_ACCEPTCONN, value, &raw mut len)
        };
        asked == 0 && listens != 0
    }

    /// For the service, which may close it.
    pub(crate) fn duplicate(&self) -> io::Result<Socket> {
        self.descriptor.try_clone().map(Socket::from)
    }

    /// Connections are refused from now on, whoever else holds the socket.
    pub(crate) fn stop(&self) {
        let _ = SockRef::from(&self.descriptor).shutdown(Shutdown::Both);
    }

    /// The number of our own descriptor.
    #[cfg(all(feature = "systemd", target_os = "linux"))]
    pub(crate) fn descriptor(&self) -> c_int {
        self.descriptor.as_raw_fd()
    }

    pub(crate) fn relabel(&self, label: &str) {
        self.handed_on.iter().for_each(|handed_on| handed_on.relabel(label));
    }
}

/// An abstract name is written as `ss` writes it.
fn unix_path(address: &SockAddr) -> PathBuf {
    let name = || address.as_abstract_namespace().map(|name| format!("@{}", String::from_utf8_lossy(name)));
    address.as_pathname().map_or_else(|| name().unwrap_or_default().into(), PathBuf::from)
}

/// Whether there is such a descriptor: a child does not inherit it from now on.
fn close_on_exec(descriptor: c_int) -> bool {
    // SAFETY: takes numbers only.
    unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) == 0 }
}

fn duplicate(descriptor: c_int, least: c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    match unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, least) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: new, and nobody else's.
        copy => Ok(unsafe { OwnedFd::from_raw_fd(copy) }),
    }
}
