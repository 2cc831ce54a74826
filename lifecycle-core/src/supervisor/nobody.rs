//! A program that manages instances, and in which nobody will ever call their hooks.

use std::sync::Once;

use crate::os::log;

/// Says so, once.
pub(super) fn warn(has_a_service: bool, managed: impl FnOnce() -> String) {
    static WARNED: Once = Once::new();
    if !has_a_service {
        WARNED.call_once(|| {
            log::warn(format!(
                "`{}` is managed, but neither #[lifecycle::main] nor lifecycle::Service runs in this process: nobody will call its \
                 hooks. In a test, use lifecycle::test",
                managed()
            ));
        });
    }
}
