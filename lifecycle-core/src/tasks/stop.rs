//! How a task is dropped.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, OnceLock};

use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

/// What drops it.
#[derive(Clone)]
pub(crate) enum Stop {
    Abort(Arc<Abort>),
    Cancel(CancellationToken),
    /// A thread cannot be dropped.
    Thread,
}

/// A task's handle is known only after it was spawned, and the request to drop it may come before.
#[derive(Default)]
pub(crate) struct Abort {
    handle: OnceLock<AbortHandle>,
    requested: AtomicBool,
}

impl Abort {
    // SeqCst on both sides: either the request sees the handle, or the thread that sets the handle sees the request.
    pub(crate) fn set(&self, handle: AbortHandle) {
        let handle = self.handle.get_or_init(|| handle);
        if self.requested.load(SeqCst) {
            handle.abort();
        }
    }

    fn request(&self) {
        self.requested.store(true, SeqCst);
        self.handle.get().into_iter().for_each(AbortHandle::abort);
    }
}

impl Stop {
    pub(crate) fn request(&self) {
        match self {
            Stop::Abort(abort) => abort.request(),
            Stop::Cancel(token) => token.cancel(),
            Stop::Thread => {}
        }
    }
}
