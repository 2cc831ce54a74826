//! The bell: wakes the one thread that waits for what happens next; ringing is safe in a signal handler.

#[cfg(unix)]
mod imp {
    use std::io::{PipeReader, PipeWriter, Read};
    use std::os::fd::{AsRawFd, RawFd};
    use std::time::Duration;

    /// A pipe (W. R. Stevens' and D. J. Bernstein's self-pipe): `write` is on POSIX's list of what a handler may call.
    pub(crate) struct Bell {
        reader: PipeReader,
        writer: PipeWriter,
    }

    impl Bell {
        pub(crate) fn new() -> std::io::Result<Bell> {
            let (reader, writer) = std::io::pipe()?;
            for descriptor in [reader.as_raw_fd(), writer.as_raw_fd()] {
                // SAFETY: both are open and ours. A full pipe must not block the ringer, an empty one not the reader.
                unsafe {
                    let flags = libc::fcntl(descriptor, libc::F_GETFL);
                    libc::fcntl(descriptor, libc::F_SETFL, flags | libc::O_NONBLOCK);
                }
            }
            Ok(Bell { reader, writer })
        }

        pub(crate) fn descriptor(&self) -> RawFd {
            self.writer.as_raw_fd()
        }

        pub(crate) fn ring(&self) {
            ring(self.descriptor());
        }

        /// Returns when the bell was rung since the last call, or after `timeout`; sometimes early.
        pub(crate) fn wait(&self, timeout: Option<Duration>) {
            let mut poll = libc::pollfd { fd: self.reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // Rounded up: a wait that ends a fraction of a millisecond early would spin.
            let millis =
                timeout.map_or(-1, |t| i32::try_from(t.as_micros().div_ceil(1000)).unwrap_or(i32::MAX));
            // SAFETY: one valid pollfd.
            unsafe { libc::poll(&raw mut poll, 1, millis) };
            let mut sink = [0; 64];
            while matches!((&self.reader).read(&mut sink), Ok(n) if n == sink.len()) {}
        }
    }

    /// One byte; a pipe that is full has been rung already.
    pub(crate) fn ring(descriptor: RawFd) {
        // SAFETY: one readable byte; the descriptor of a bell is never closed while handlers know it.
        unsafe { libc::write(descriptor, [1_u8].as_ptr().cast(), 1) };
    }
}

#[cfg(not(unix))]
mod imp {
    use std::sync::{Condvar, Mutex, PoisonError};
    use std::time::Duration;

    pub(crate) struct Bell {
        rung: Mutex<bool>,
        changed: Condvar,
    }

    impl Bell {
        pub(crate) fn new() -> std::io::Result<Bell> {
            Ok(Bell { rung: Mutex::new(false), changed: Condvar::new() })
        }

        pub(crate) fn ring(&self) {
            *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.changed.notify_one();
        }

        pub(crate) fn wait(&self, timeout: Option<Duration>) {
            let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
            let timeout = timeout.unwrap_or(Duration::from_secs(3600));
            let (mut rung, _) = self
                .changed
                .wait_timeout_while(rung, timeout, |rung| !*rung)
                .unwrap_or_else(PoisonError::into_inner);
            *rung = false;
        }
    }
}

pub(crate) use imp::*;
