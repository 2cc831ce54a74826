//! Signals that stop a service, and SIGQUIT: counted by the handler, taken by the orchestrator, handled from the first
//! line of main to the last.
//!
//! | a stop signal arrives | counted as |
//! |---|---|
//! | before one was acted on | part of one request |
//! | SIGINT within [`TOGETHER`] of another signal that was acted on | part of that request |
//! | SIGINT within [`DOUBLED`] of a SIGINT that was acted on | part of that request |
//! | any other SIGINT later | a repeated Ctrl-C: the process ends at once |
//! | SIGTERM or SIGHUP later | logged |

#[cfg(unix)]
pub(crate) mod hold;
#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use crate::model::cause::Signal;
use crate::os::clock::{monotonic_ns, nanos};

#[cfg(not(unix))]
pub(crate) use other::{foreign_interrupt_handler, install, interrupt_is_ignored};
#[cfg(unix)]
pub(crate) use unix::{STOP_SIGNALS, foreign_interrupt_handler, install, interrupt_is_ignored};

/// Process managers send SIGTERM on a Ctrl-C whose SIGINT the terminal sends, too: one request.
const TOGETHER: Duration = Duration::from_millis(100);

/// `timeout -s INT`, and others, send a signal to the process and then to its group. Nobody presses Ctrl-C twice so fast.
const DOUBLED: Duration = Duration::from_millis(3);

/// What arrived and was not taken: process-wide, as signals are.
static COUNTS: Counts = Counts {
    terminate: AtomicU32::new(0),
    interrupt: AtomicU32::new(0),
    hangup: AtomicU32::new(0),
    quit: AtomicU32::new(0),
    repeated_interrupt: AtomicU32::new(0),
    acted_on: AtomicU64::new(0),
};

struct Counts {
    terminate: AtomicU32,
    interrupt: AtomicU32,
    hangup: AtomicU32,
    quit: AtomicU32,
    /// Of the repeated interrupts none is ever taken back.
    repeated_interrupt: AtomicU32,
    /// From this moment of the monotonic clock on a SIGINT is a repeated one; 0 is never.
    acted_on: AtomicU64,
}

/// What arrived since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) terminate: bool,
    pub(crate) interrupt: bool,
    pub(crate) hangup: bool,
    pub(crate) quit: u32,
    pub(crate) repeated_interrupt: bool,
}

/// Takes what the handler counted. The order of two signals that arrive between two looks is not kept.
pub(crate) fn take() -> Arrived {
    Arrived {
        terminate: COUNTS.terminate.swap(0, Relaxed) > 0,
        interrupt: COUNTS.interrupt.swap(0, Relaxed) > 0,
        hangup: COUNTS.hangup.swap(0, Relaxed) > 0,
        quit: COUNTS.quit.swap(0, Relaxed),
        repeated_interrupt: COUNTS.repeated_interrupt.load(Relaxed) > 0,
    }
}

/// The first stop signal is being acted on.
pub(crate) fn acted_on(first: Signal) {
    let grace = nanos(if first == Signal::Interrupt { DOUBLED } else { TOGETHER });
    COUNTS.acted_on.store(monotonic_ns() + grace, SeqCst);
}

/// Whether what arrives now still belongs to the signal that was acted on.
pub(crate) fn is_together() -> bool {
    let acted_on = COUNTS.acted_on.load(SeqCst);
    acted_on > 0 && monotonic_ns() < acted_on.saturating_add(nanos(TOGETHER))
}

impl Arrived {
    /// The signal that a shutdown is to be started for.
    pub(crate) fn stop(self) -> Option<Signal> {
        let arrived = [
            (self.terminate, Signal::Terminate),
            (self.interrupt || self.repeated_interrupt, Signal::Interrupt),
            (self.hangup, Signal::Hangup),
        ];
        arrived.into_iter().find_map(|(arrived, signal)| arrived.then_some(signal))
    }
}

/// For the handler: no lock, no allocation. Returns whether the process must end now, whatever the orchestrator is
/// stuck in: a second repeated interrupt.
fn count_interrupt() -> bool {
    let acted_on = COUNTS.acted_on.load(SeqCst);
    if acted_on == 0 || monotonic_ns() < acted_on {
        COUNTS.interrupt.fetch_add(1, SeqCst);
        return false;
    }
    COUNTS.repeated_interrupt.fetch_add(1, SeqCst) > 0
}
