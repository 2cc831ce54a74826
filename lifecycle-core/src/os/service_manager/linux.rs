//! A datagram socket that is connected at the start: by hand, since the crate `sd-notify` makes a socket and a string for
//! each message, which a watchdog that may neither allocate nor block cannot do.

use std::ffi::{CString, OsStr, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::os::sockets::Kept;

struct ServiceManager {
    socket: UnixDatagram,
    address: SocketAddr,
}

/// Set once, at the start. Process-wide, as the service is.
static SERVICE_MANAGER: OnceLock<ServiceManager> = OnceLock::new();

/// A message that matters is tried again for so long, if the queue is full.
const PATIENCE: Duration = Duration::from_millis(100);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// `address`: a path, or `@` and an abstract name.
pub(crate) fn connect(address: &OsStr) -> io::Result<()> {
    let address = match address.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(Path::new(address))?,
        _ => {
            let text = "must be a path, or `@` and the name of an abstract socket";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    let _ = SERVICE_MANAGER.set(ServiceManager { socket, address });
    Ok(())
}

/// Sends a message if there is somebody to be told. Neither allocates nor blocks; what does not fit into the queue is lost.
pub(crate) fn send(message: &[u8]) -> bool {
    let Some(ServiceManager { socket, address }) = SERVICE_MANAGER.get() else { return true };
    // Its end is another one if the service manager has been executed anew.
    send_now(socket, message)
        || (is_disconnected() && socket.connect_addr(address).is_ok() && send_now(socket, message))
}

/// As `send`, and tries for a moment where the queue is full.
pub(crate) fn deliver(message: &[u8]) {
    let until = Instant::now() + PATIENCE;
    while !send(message) && Instant::now() < until {
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn is_disconnected() -> bool {
    let error = io::Error::last_os_error().raw_os_error();
    matches!(error, Some(libc::ECONNREFUSED | libc::ENOTCONN | libc::ECONNRESET))
}

fn send_now(socket: &UnixDatagram, message: &[u8]) -> bool {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: a buffer and its length.
    unsafe { libc::send(socket.as_raw_fd(), message.as_ptr().cast(), message.len(), flags) >= 0 }
}

/// Has systemd keep a copy of the socket under `name`: then a process that is killed loses none. It does so where the unit
/// has a `FileDescriptorStoreMax=`.
pub(crate) fn store(kept: &Kept, name: &str) {
    let Some(ServiceManager { socket, .. }) = SERVICE_MANAGER.get() else { return };
    let Ok(text) = CString::new(format!("FDSTORE=1\nFDNAME={name}")) else { return };
    let text = text.as_bytes();
    let mut part = libc::iovec { iov_base: text.as_ptr().cast_mut().cast(), iov_len: text.len() };
    // Room for the header and one descriptor, aligned as the header must be.
    let mut control = [0_u64; 8];
    let descriptor_size = u32::try_from(size_of::<c_int>()).unwrap_or(4);
    // SAFETY: a zeroed message is valid. Header and descriptor lie in `control`, which lives until the call is over; nothing is
    // written to the text.
    unsafe {
        let mut message: libc::msghdr = MaybeUninit::zeroed().assume_init();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(descriptor_size) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() {
            return;
        }
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(descriptor_size) as _;
        libc::CMSG_DATA(header).cast::<c_int>().write_unaligned(kept.descriptor());
        libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
    }
}
