//! `listen`: where the service's asks meet the sockets that are kept.

use std::fmt::Debug;
use std::io;
#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::net::{TcpListener, ToSocketAddrs, lookup_host};

use super::manager::LifecycleManager;
use crate::model::address::ListenAddress;
use crate::sockets::{self, Ask, BindOptions};
use crate::tasks::generation::FIRST;
use crate::tasks::run::Run;

/// A run that does not say when it is up has this long to ask for the sockets that are kept for it.
const UNCLAIMED_TIMEOUT: Duration = Duration::from_secs(60);

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
pub async fn listen<A: ToSocketAddrs + Debug>(addr: A) -> io::Result<TcpListener> {
    ListenOptions::new().listen(addr).await
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
pub async fn listen_named<A: ToSocketAddrs + Debug>(name: &str, addr: A) -> io::Result<TcpListener> {
    ListenOptions::new().name(name).listen(addr).await
}

/// As [`listen`], for a Unix socket, whose file is `path`.
///
/// A socket that nobody listens on any more is replaced; one in use, and a file of another kind, are an error. The file stays
/// while main is restarted. It is removed when a back-off wait begins, and when the process ends: unless it is another one by
/// then, or systemd's. Outside of `#[lifecycle::main]` nobody removes it.
///
/// # Errors
/// As [`listen`], and as tokio's `UnixListener::bind`.
///
/// # Panics
/// Outside a tokio runtime.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let path = std::env::temp_dir().join(format!("lifecycle-doc-{}.sock", std::process::id()));
/// let listener = lifecycle::listen_unix(&path).await?;
/// # std::fs::remove_file(path)?;
/// # drop(listener);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[cfg(unix)]
pub async fn listen_unix(path: impl AsRef<Path>) -> io::Result<UnixListener> {
    ListenOptions::new().listen_unix(path).await
}

/// How a socket is bound, where [`listen`]'s way does not fit. What is kept from an earlier run of main, or passed by systemd,
/// stays as it is.
///
/// ```
/// use lifecycle::ListenOptions;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let api = ListenOptions::new().name("api").backlog(4096).listen("127.0.0.1:0").await?;
/// # drop(api);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is bound before `listen`"]
pub struct ListenOptions {
    name: Option<String>,
    bind: BindOptions,
}

impl Default for ListenOptions {
    fn default() -> ListenOptions {
        ListenOptions::new()
    }
}

impl ListenOptions {
    /// As [`listen`] has them.
    pub fn new() -> ListenOptions {
        ListenOptions { name: None, bind: BindOptions::DEFAULT }
    }

    /// The name by which it is found, as with [`listen_named`].
    pub fn name(mut self, name: impl Into<String>) -> ListenOptions {
        self.name = Some(name.into());
        self
    }

    /// Connections that wait until they are accepted: 1024 by default, at most what the system allows (`somaxconn`).
    pub fn backlog(mut self, backlog: u32) -> ListenOptions {
        self.bind.backlog = backlog;
        self
    }

    /// `IPV6_V6ONLY` of an IPv6 address: whether `[::]` leaves IPv4 alone. By default the system decides.
    pub fn only_v6(mut self, only_v6: bool) -> ListenOptions {
        self.bind.only_v6 = Some(only_v6);
        self
    }

    /// `SO_REUSEADDR`: on Unix the default, so that connections of an earlier process that are not quite over are not in the
    /// way; on Windows it would let others take the port.
    pub fn reuse_address(mut self, reuse: bool) -> ListenOptions {
        self.bind.reuse_address = reuse;
        self
    }

    /// The mode of a Unix socket's file, whatever the umask: `0o660` lets its group connect. By default the umask decides.
    #[cfg(unix)]
    pub fn mode(mut self, mode: u32) -> ListenOptions {
        self.bind.mode = Some(mode);
        self
    }

    /// See [`listen`](crate::listen).
    ///
    /// # Errors
    /// As [`listen`](crate::listen), and if the system refuses an option.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn listen<A: ToSocketAddrs + Debug>(&self, addr: A) -> io::Result<TcpListener> {
        let asked = format!("{addr:?}");
        let found = lookup_host(addr).await.map_err(|error| unknown_address(&asked, &error))?;
        let addresses: Vec<_> = found.map(ListenAddress::from).collect();
        TcpListener::from_std(self.open(&addresses)?.into())
    }

    /// See [`listen_unix`](crate::listen_unix).
    ///
    /// # Errors
    /// As [`listen_unix`](crate::listen_unix), and if the system refuses an option.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(unix)]
    #[allow(clippy::unused_async, reason = "as its sisters")]
    pub async fn listen_unix(&self, path: impl AsRef<Path>) -> io::Result<UnixListener> {
        // A service may change its working directory.
        let path = std::path::absolute(path)?;
        UnixListener::from_std(self.open(&[ListenAddress::Unix(path)])?.into())
    }

    fn open(&self, addresses: &[ListenAddress]) -> io::Result<socket2::Socket> {
        let manager = LifecycleManager::global();
        if manager.is_left_behind() {
            return Err(io::Error::other("this run of main has crashed, and a later one listens"));
        }
        let run = manager.current_run().generation().unwrap_or(FIRST);
        sockets::open(Ask { name: self.name.as_deref(), addresses, run }, self.bind)
    }
}

/// With the address, and how one is written.
fn unknown_address(asked: &str, error: &io::Error) -> io::Error {
    let write = match error.kind() {
        io::ErrorKind::InvalidInput => ": write for example \"0.0.0.0:8080\"",
        _ => "",
    };
    io::Error::new(error.kind(), format!("cannot listen on {asked}: {error}{write}"))
}

/// Once the run has said that it is up, or has had time enough, nobody will answer on what it has not asked for. Returns when
/// to look again.
pub(super) fn close_unclaimed(run: &Run) -> Option<Duration> {
    let number = run.generation()?;
    if !sockets::has_unclaimed(number) {
        return None;
    }
    let left = UNCLAIMED_TIMEOUT.saturating_sub(run.started.elapsed());
    if !run.is_ready() && !left.is_zero() {
        return Some(left);
    }
    sockets::close_unclaimed(number);
    None
}
