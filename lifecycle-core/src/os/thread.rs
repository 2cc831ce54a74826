//! Threads of our own, which outlive a panic in them.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, Thread};
use std::time::Duration;

#[cfg(unix)]
use crate::os::sigaction;
use crate::os::stderr::stderr_line;

/// After a panic it goes on after this, so that one that panics at once does not spin.
const PAUSE: Duration = Duration::from_millis(100);

/// Starts a thread that calls `work`, and again if it panics. Without a stack size it has std's.
pub(crate) fn spawn(
    name: &'static str,
    stack: Option<usize>,
    mut work: impl FnMut() + Send + 'static,
) -> io::Result<Thread> {
    let builder = stack.map_or_else(Builder::new, |stack| Builder::new().stack_size(stack)).name(name.into());
    let thread = builder.spawn(move || {
        // Our lines and files may exceed RLIMIT_FSIZE: that is an error of the call, and no end of the process.
        #[cfg(unix)]
        sigaction::change_mask(libc::SIG_BLOCK, &sigaction::set_of(&[libc::SIGXFSZ]));
        // The panic hook has printed what it was. A payload may panic when it is dropped.
        while let Err(payload) = catch_unwind(AssertUnwindSafe(&mut work)) {
            std::mem::forget(payload);
            stderr_line!(
                "ERROR lifecycle: thread `{name}` panicked, which is a bug of lifecycle: it goes on"
            );
            std::thread::sleep(PAUSE);
        }
    })?;
    Ok(thread.thread().clone())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_thread_goes_on_after_a_panic() {
        let (sender, receiver) = channel();
        let mut calls = 0;
        let work = move || {
            calls += 1;
            assert!(calls > 2, "not yet");
            sender.send(calls).expect("somebody waits");
        };
        spawn("lifecycle-test", None, work).expect("a thread");
        assert_eq!(receiver.recv_timeout(Duration::from_secs(20)), Ok(3));
    }
}
