//! The components that are started and stopped, and who has been so far.

use std::hint::black_box;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::Notify;

static STARTED: AtomicUsize = AtomicUsize::new(0);
static ALL_STARTED: Notify = Notify::const_new();
static CLOSED: AtomicUsize = AtomicUsize::new(0);

/// Its hook is ready at once.
pub(crate) struct Ready(pub(crate) usize);

impl Ready {
    #[lifecycle::component]
    pub(crate) async fn close(&self) {
        count(self.0);
    }
}

/// Its hook yields once.
pub(crate) struct Yields(pub(crate) usize);

impl Yields {
    #[lifecycle::component]
    pub(crate) async fn close(&self) {
        tokio::task::yield_now().await;
        count(self.0);
    }
}

/// A component of a peer: made and closed inside a task of its own.
pub(crate) trait Component: Send + Sync + 'static {
    fn new(number: usize) -> Self;
    fn close(&self) -> impl Future<Output = ()> + Send;
}

impl Component for Ready {
    fn new(number: usize) -> Ready {
        Ready(number)
    }

    fn close(&self) -> impl Future<Output = ()> + Send {
        self.close()
    }
}

impl Component for Yields {
    fn new(number: usize) -> Yields {
        Yields(number)
    }

    fn close(&self) -> impl Future<Output = ()> + Send {
        self.close()
    }
}

/// The number is what makes an instance more than its type.
fn count(number: usize) {
    black_box(number);
    CLOSED.fetch_add(1, Relaxed);
}

/// Called by each task as it begins.
pub(crate) fn started(of: usize) {
    if STARTED.fetch_add(1, Relaxed) + 1 == of {
        ALL_STARTED.notify_one();
    }
}

/// Only then is a stop of all of them a stop, and nothing else.
pub(crate) async fn all_started() {
    ALL_STARTED.notified().await;
}

pub(crate) fn closed() -> usize {
    CLOSED.load(Relaxed)
}
