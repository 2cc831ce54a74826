//! `listen`: where the service's asks meet the sockets that are kept.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, ToSocketAddrs, lookup_host};

use super::manager::LifecycleManager;
use crate::sockets::{self, Ask};
use crate::tasks::generation::FIRST;

/// A listening socket that outlives crashes and hangs: no connection is refused while main restarts.
///
/// It is the socket that this address already has: one that systemd passed (`LISTEN_FDS`), one that an earlier run of main
/// asked for, or one that an earlier image handed over; else it is bound, as by tokio's [`TcpListener::bind`] (`SO_REUSEADDR` on
/// Unix, a backlog of 1024, the first address that can be had). A second descriptor of it is kept: when main crashes and runs
/// again, connections wait in the backlog for the next run, also across a re-exec. It is closed when a back-off wait begins,
/// unless systemd holds it; when the service stops; and when a run is up that has not asked for it. Children do not inherit it.
///
/// Who asks twice for one address in one run gets the same socket twice: each connection arrives at one of the two. With
/// port 0 each gets a socket of its own, and the next run the same ports in the same order.
///
/// As long as main runs, dropping a listener does not close its port.
///
/// Sockets of systemd are matched by their address, else by their port, else in their order, so that the address is the
/// default of the unit's file. Outside of `#[lifecycle::main]`, as in tests, and with `restart = false`, nothing is kept.
///
/// # Errors
/// As tokio's `bind`, with the address in the text. Also if an earlier run of main asks, which was left behind by a crash.
///
/// # Panics
/// Outside a tokio runtime.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let listener = lifecycle::listen("127.0.0.1:0").await?;
/// println!("http://{}", listener.local_addr()?);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub async fn listen<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
    open(None, addr).await
}

/// As [`listen`], for a socket that has a name: it is found by it, whatever its address, as long as that is not another one than
/// before. systemd's have the name that `FileDescriptorName=` gives them, and the address that the unit's file says.
///
/// Who asks twice for one name gets the same socket twice.
///
/// # Errors
/// As [`listen`].
///
/// # Panics
/// Outside a tokio runtime.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let api = lifecycle::listen_named("api", "127.0.0.1:0").await?;
/// let admin = lifecycle::listen_named("admin", "127.0.0.1:0").await?;
/// assert_ne!(api.local_addr()?, admin.local_addr()?);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub async fn listen_named<A: ToSocketAddrs>(name: &str, addr: A) -> io::Result<TcpListener> {
    open(Some(name), addr).await
}

async fn open<A: ToSocketAddrs>(name: Option<&str>, addr: A) -> io::Result<TcpListener> {
    let addresses: Vec<SocketAddr> = lookup_host(addr).await?.collect();
    let manager = LifecycleManager::global();
    if manager.is_left_behind() {
        return Err(io::Error::other("this run of main has crashed, and a later one listens"));
    }
    let run = manager.current_run().generation().unwrap_or(FIRST);
    sockets::open(Ask { name, addresses: &addresses, run })
}
