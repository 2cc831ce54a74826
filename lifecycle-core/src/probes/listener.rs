//! The socket on which probes arrive.

use std::io;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::net::UnixListener;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::model::address::ListenAddress;
#[cfg(unix)]
use crate::os::socket_file;

/// As std's.
#[cfg(unix)]
const BACKLOG: i32 = 128;

/// Bound once; the runtime of the probes has a duplicate.
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    pub(super) fn bind(address: &ListenAddress) -> io::Result<Listener> {
        let listener = match address {
            ListenAddress::Tcp(address) => Listener::Tcp(TcpListener::bind(address)?),
            #[cfg(unix)]
            ListenAddress::Unix(path) => Listener::Unix(socket_file::listen(path, BACKLOG, None)?.into()),
            #[cfg(not(unix))]
            ListenAddress::Unix(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        match &listener {
            Listener::Tcp(listener) => listener.set_nonblocking(true)?,
            #[cfg(unix)]
            Listener::Unix(listener) => listener.set_nonblocking(true)?,
        }
        Ok(listener)
    }

    /// Inside of a runtime.
    pub(super) fn open(&self) -> io::Result<Open> {
        Ok(match self {
            Listener::Tcp(listener) => Open::Tcp(tokio::net::TcpListener::from_std(listener.try_clone()?)?),
            #[cfg(unix)]
            Listener::Unix(listener) => {
                Open::Unix(tokio::net::UnixListener::from_std(listener.try_clone()?)?)
            }
        })
    }
}

/// As tokio has it.
pub(super) enum Open {
    Tcp(tokio::net::TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

/// One connection, of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Open {
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Open::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            #[cfg(unix)]
            Open::Unix(listener) => Box::new(listener.accept().await?.0),
        })
    }
}
