//! Where there is no re-exec and no service manager that passes sockets.

use std::io;

use socket2::Socket;

use crate::model::address::ListenAddress;

/// A socket that stays open when the service closes its own.
pub(crate) struct Kept(Socket);

impl Kept {
    pub(crate) fn of(listener: &Socket, _: i32, _: &str) -> io::Result<Kept> {
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

    pub(crate) fn address(&self) -> Option<ListenAddress> {
        self.0.local_addr().ok()?.as_socket().map(ListenAddress::Tcp)
    }

    pub(crate) fn duplicate(&self) -> io::Result<Socket> {
        self.0.try_clone()
    }

    /// It is closed when it is dropped.
    pub(crate) fn stop(&self) {}

    pub(crate) fn relabel(&self, _: &str) {}
}
