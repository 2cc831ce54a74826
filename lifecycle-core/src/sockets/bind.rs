//! New sockets, and how they are bound.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use super::socket::Ask;
use crate::model::address::ListenAddress;
#[cfg(unix)]
use crate::os::socket_file;

/// For sockets that are bound here; those that are kept or passed stay as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BindOptions {
    pub(crate) backlog: u32,
    /// Of an IPv6 address; else the system decides.
    pub(crate) only_v6: Option<bool>,
    pub(crate) reuse_address: bool,
    /// Of a Unix socket's file; else the umask decides.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are no Unix sockets"))]
    pub(crate) mode: Option<u32>,
}

impl BindOptions {
    /// As tokio's `bind`; on Windows `SO_REUSEADDR` would let another program take the port.
    pub(crate) const DEFAULT: BindOptions =
        BindOptions { backlog: 1024, only_v6: None, reuse_address: cfg!(unix), mode: None };

    fn backlog(self) -> i32 {
        i32::try_from(self.backlog).unwrap_or(i32::MAX)
    }
}

/// The first address that can be had, as tokio's `bind`. It does not block.
pub(super) fn bind(ask: Ask<'_>, options: BindOptions) -> io::Result<(ListenAddress, Socket)> {
    let mut last = None;
    for address in ask.addresses {
        let bound = match address {
            ListenAddress::Tcp(address) => bind_tcp(*address, options),
            #[cfg(unix)]
            ListenAddress::Unix(path) => socket_file::listen(path, options.backlog(), options.mode),
            #[cfg(not(unix))]
            ListenAddress::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        };
        match bound {
            Ok(socket) => {
                socket.set_nonblocking(true)?;
                return Ok((address.clone(), socket));
            }
            Err(error) => {
                let text = format!("cannot listen on {address}: {error}");
                last = Some(io::Error::new(error.kind(), text));
            }
        }
    }
    let none =
        || io::Error::new(io::ErrorKind::InvalidInput, "the address resolves to none: write `IP:port`");
    Err(last.unwrap_or_else(none))
}

fn bind_tcp(address: SocketAddr, options: BindOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if let Some(only_v6) = options.only_v6.filter(|_| address.is_ipv6()) {
        socket.set_only_v6(only_v6)?;
    }
    socket.set_reuse_address(options.reuse_address)?;
    socket.bind(&address.into())?;
    socket.listen(options.backlog())?;
    Ok(socket)
}
