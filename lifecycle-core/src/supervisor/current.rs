//! Which manager the free functions speak to: that of the process, or in a test that of the calling thread.

use super::manager::LifecycleManager;

#[cfg(not(feature = "test"))]
pub(super) fn current() -> &'static LifecycleManager {
    LifecycleManager::global()
}

#[cfg(feature = "test")]
pub(crate) use of_thread::{current, of_test, set};

#[cfg(feature = "test")]
mod of_thread {
    use std::cell::RefCell;
    use std::ops::Deref;

    use super::LifecycleManager;

    thread_local! {
        static CURRENT: RefCell<Option<LifecycleManager>> = const { RefCell::new(None) };
    }

    /// From now on the free functions speak to it on this thread; `None`: to that of the process.
    pub(crate) fn set(manager: Option<LifecycleManager>) {
        CURRENT.set(manager);
    }

    /// That of a test, if this is a thread of one.
    pub(crate) fn of_test() -> Option<LifecycleManager> {
        // A thread whose thread-locals are being destroyed has none any more.
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    pub(crate) struct Current(Option<LifecycleManager>);

    impl Deref for Current {
        type Target = LifecycleManager;

        fn deref(&self) -> &LifecycleManager {
            self.0.as_ref().unwrap_or_else(|| LifecycleManager::global())
        }
    }

    pub(crate) fn current() -> Current {
        Current(of_test())
    }
}
