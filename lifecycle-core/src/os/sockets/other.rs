//! Where there is no re-exec and no service manager that passes sockets.

use std::io;
use std::net::{SocketAddr, TcpListener};

/// A socket that stays open when the service closes its own.
pub(crate) struct Kept(TcpListener);

impl Kept {
    pub(crate) fn of(listener: &TcpListener, _: i32, _: &str) -> io::Result<Kept> {
        listener.try_clone().map(Kept)
    }

    pub(crate) fn inherited(_: i32, _: &str) -> Option<Kept> {
        None
    }

    pub(crate) fn passed(_: i32, _: i32, _: &str) -> Option<Kept> {
        None
    }

    pub(crate) fn is_passed(&self) -> bool {
        false
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.0.local_addr().ok()
    }

    pub(crate) fn duplicate(&self) -> io::Result<TcpListener> {
        self.0.try_clone()
    }

    /// It is closed when it is dropped.
    pub(crate) fn stop(&self) {}

    pub(crate) fn relabel(&self, _: &str) {}
}
