//! Ctrl-C and the closing of the console, through the `ctrlc` crate.

use super::count_interrupt;
use crate::os::process;
use crate::os::wakeup::Wakeup;

pub(crate) fn install(orchestrator: &'static Wakeup, _: &'static Wakeup) {
    let handler = move || {
        if count_interrupt() {
            process::exit(130);
        }
        orchestrator.notify();
    };
    // Fails only if the program installed a handler of its own before: then that one is in charge.
    let _ = ctrlc::try_set_handler(handler);
}

pub(crate) fn foreign_interrupt_handler() -> bool {
    false
}

pub(crate) fn interrupt_is_ignored() -> bool {
    false
}
