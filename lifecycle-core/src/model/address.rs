//! Where something listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// Where a socket listens. `Display` and `Serialize` give `127.0.0.1:3000` or `unix:/run/app.sock`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let _api = lifecycle::listen("127.0.0.1:0").await?;
/// for socket in lifecycle::status().sockets {
///     match socket.address {
///         lifecycle::ListenAddress::Tcp(address) => println!("port {}", address.port()),
///         other => println!("{other}"),
///     }
/// }
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListenAddress {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// The file of a Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Whether a listener for the one can be one for the other.
    pub(crate) fn is_of_the_kind_of(&self, other: &ListenAddress) -> bool {
        matches!(self, ListenAddress::Tcp(_)) == matches!(other, ListenAddress::Tcp(_))
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> ListenAddress {
        ListenAddress::Tcp(address)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) => address.fmt(f),
            ListenAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
