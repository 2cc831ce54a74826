//! The rescue runtime: for hooks that never got to run because the service's own runtime is frozen.

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Started when it is needed first, and then kept for the rest of the shutdown.
#[derive(Default)]
pub(crate) struct Rescue {
    started: Option<(Handle, DropGuard)>,
}

impl Rescue {
    pub(crate) fn runtime(&self) -> Option<&Handle> {
        self.started.as_ref().map(|(handle, _)| handle)
    }

    /// None if the system gives us no thread: then the hooks that are left are late.
    pub(crate) fn start(&mut self) -> Option<&Handle> {
        if self.started.is_none() {
            self.started = start();
        }
        self.runtime()
    }
}

/// Two workers: a hook that blocks the first must not keep the others from being tried.
fn start() -> Option<(Handle, DropGuard)> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("lifecycle-rescue")
        .enable_all()
        .build()
        .ok()?;
    crate::log::warn("the runtime is frozen: hooks that have not begun run on another one");
    let handle = runtime.handle().clone();
    let end = CancellationToken::new();
    let ended = end.clone();
    // A thread of its own drops it, whatever still blocks there.
    let keeper = std::thread::Builder::new().name("lifecycle-rescue".into());
    keeper
        .spawn(move || {
            runtime.block_on(ended.cancelled());
            runtime.shutdown_background();
        })
        .ok()?;
    Some((handle, end.drop_guard()))
}
