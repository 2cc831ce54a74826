//! A socket pair (the self-pipe of W. R. Stevens and D. J. Bernstein): POSIX lets a signal handler call `write`.

use std::io::Read;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

pub(crate) struct Wakeup {
    reader: UnixStream,
    writer: UnixStream,
    /// For who waits without blocking.
    #[cfg(feature = "test")]
    notified: tokio::sync::Notify,
}

impl Wakeup {
    /// # Errors
    /// If the process has no file descriptors left.
    pub(crate) fn new() -> std::io::Result<Wakeup> {
        let (reader, writer) = UnixStream::pair()?;
        // A full buffer must not block the notifying thread, an empty one not the reader.
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Wakeup {
            reader,
            writer,
            #[cfg(feature = "test")]
            notified: tokio::sync::Notify::new(),
        })
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.writer.as_raw_fd()
    }

    pub(crate) fn notify(&self) {
        notify(self.descriptor());
        #[cfg(feature = "test")]
        self.notified.notify_one();
    }

    /// Ends once it was notified since the last call.
    #[cfg(feature = "test")]
    pub(crate) async fn notified(&self) {
        self.notified.notified().await;
    }

    /// Returns once it was notified since the last call, or after `timeout`; sometimes early.
    pub(crate) fn wait(&self, timeout: Option<Duration>) {
        let mut poll = libc::pollfd { fd: self.reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // Rounded up: a wait that ends a fraction of a millisecond early would spin.
        let millis = timeout.map_or(-1, |t| i32::try_from(t.as_micros().div_ceil(1000)).unwrap_or(i32::MAX));
        // SAFETY: one valid pollfd.
        unsafe { libc::poll(&raw mut poll, 1, millis) };
        let mut sink = [0; 64];
        while matches!((&self.reader).read(&mut sink), Ok(n) if n == sink.len()) {}
    }
}

/// One byte; a buffer that is full was notified already.
pub(crate) fn notify(descriptor: RawFd) {
    // SAFETY: one readable byte; the descriptor is never closed while handlers know it.
    unsafe { libc::write(descriptor, [1_u8].as_ptr().cast(), 1) };
}
