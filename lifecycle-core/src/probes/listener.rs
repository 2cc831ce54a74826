//! The socket on which probes arrive.

use std::io;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
#[cfg(unix)]
use std::path::Path;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::config::probes::ProbesAddress;

/// Bound once; the runtime of the probes has a duplicate.
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    pub(super) fn bind(address: &ProbesAddress) -> io::Result<Listener> {
        let listener = match address {
            ProbesAddress::Tcp(address) => Listener::Tcp(TcpListener::bind(address)?),
            #[cfg(unix)]
            ProbesAddress::Unix(path) => Listener::Unix(bind_unix(path)?),
            #[cfg(not(unix))]
            ProbesAddress::Unix(_) => return Err(io::ErrorKind::Unsupported.into()),
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

/// A file that an earlier process has left behind is in the way, one that somebody listens on is not ours.
#[cfg(unix)]
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::FileTypeExt;

    let in_use = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => error,
        result => return result,
    };
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let is_refused =
        || UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if !is_socket || !is_refused() {
        return Err(in_use);
    }
    std::fs::remove_file(path)?;
    UnixListener::bind(path)
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
