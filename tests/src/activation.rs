//! As systemd starts a service that has sockets.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;

use crate::Service;

/// `program` with these sockets as descriptors 3 and on, by these names.
#[must_use]
pub fn activated(program: &str, sockets: &[BorrowedFd<'_>], names: &str) -> Service {
    // The pid is known to the process itself alone.
    let script = "export LISTEN_PID=$$; exec \"$0\" \"$@\"";
    let service = Service::new("/bin/sh").args(["-c", script, program]);
    let mut service = service.env("LISTEN_FDS", sockets.len().to_string()).env("LISTEN_FDNAMES", names);
    let descriptors: Vec<i32> = sockets.iter().map(AsRawFd::as_raw_fd).collect();
    // SAFETY: only calls that are async-signal-safe.
    unsafe {
        service.command().pre_exec(move || {
            // First out of the way of each other; a copy, so that the number's close-on-exec flag is gone.
            let copies: [i32; 8] = std::array::from_fn(|index| {
                descriptors.get(index).map_or(-1, |from| libc::fcntl(*from, libc::F_DUPFD_CLOEXEC, 100))
            });
            for (to, copy) in (3..).zip(copies).filter(|(_, copy)| *copy >= 0) {
                libc::dup2(copy, to);
            }
            Ok(())
        });
    }
    service
}
