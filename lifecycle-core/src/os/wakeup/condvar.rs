//! For systems on which no signal handler notifies.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::os::lock::lock;

pub(crate) struct Wakeup {
    notified: Mutex<bool>,
    changed: Condvar,
    /// For who waits without blocking.
    #[cfg(feature = "test")]
    asynchronous: tokio::sync::Notify,
}

impl Wakeup {
    /// # Errors
    /// Never here.
    pub(crate) fn new() -> std::io::Result<Wakeup> {
        Ok(Wakeup {
            notified: Mutex::new(false),
            changed: Condvar::new(),
            #[cfg(feature = "test")]
            asynchronous: tokio::sync::Notify::new(),
        })
    }

    pub(crate) fn notify(&self) {
        *lock(&self.notified) = true;
        self.changed.notify_one();
        #[cfg(feature = "test")]
        self.asynchronous.notify_one();
    }

    /// Ends once it was notified since the last call.
    #[cfg(feature = "test")]
    pub(crate) async fn notified(&self) {
        self.asynchronous.notified().await;
    }

    pub(crate) fn wait(&self, timeout: Option<Duration>) {
        let timeout = timeout.unwrap_or(Duration::from_secs(3600));
        let waited = self.changed.wait_timeout_while(lock(&self.notified), timeout, |notified| !*notified);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}
