//! What the orchestrator does about signals, in every state.

use crate::cause::Cause;
use crate::ledger::Ledger;
use crate::lifecycle::LifecycleManager;
use crate::signal::{self, Arrived, Signal};
use crate::watchdog::verdict;
use crate::{hang, log, raw, shutdown, watchdog};

/// The orchestrator's ear: takes signals and the watchdog's verdict, and the ledger's marks that go with them.
pub(crate) struct Attendant {
    manager: &'static LifecycleManager,
    pub(crate) ledger: Option<Ledger>,
    /// The signal that was acted on: the process will not run main again.
    stopped_by: Option<Signal>,
    hang_noted: bool,
}

impl Attendant {
    pub(crate) fn new(manager: &'static LifecycleManager) -> Attendant {
        Attendant { manager, ledger: None, stopped_by: None, hang_noted: false }
    }

    /// Whether a signal asked the process to end.
    pub(crate) fn stopped_by(&self) -> Option<Signal> {
        self.stopped_by
    }

    /// Whatever kills the process from now on was no crash.
    pub(crate) fn stop_was_asked_for(&self) {
        self.ledger.iter().for_each(Ledger::stopping);
    }

    /// Acts on whatever has arrived.
    pub(crate) fn attend(&mut self) {
        let arrived = signal::take();
        if arrived.quit > 0 {
            raw::stderr(format!("{}\n", self.manager.status()).as_bytes());
            hang::quit(arrived.quit);
        }
        let rest = match (self.stopped_by, arrived.stop()) {
            (None, Some(signal)) => {
                self.first(signal);
                arrived.without(signal)
            }
            _ => arrived,
        };
        if self.stopped_by.is_some() {
            self.further(rest);
        }
        self.note_hang();
    }

    fn first(&mut self, signal: Signal) {
        self.stopped_by = Some(signal);
        if self.manager.backing_off().is_some() {
            log::info(format!("{signal}: the back-off wait ends, main is not run again"));
        } else if self.manager.session().end(Cause::Signal(signal)) {
            self.stop_was_asked_for();
            log::info(format!("{signal}: stopping"));
        } else {
            log::info(format!("{signal}: stopping already; main will not be run again"));
        }
    }

    fn further(&self, rest: Arrived) {
        if rest.interrupt > 0 {
            self.abandon();
        }
        for (count, signal) in [(rest.terminate, Signal::Terminate), (rest.hangup, Signal::Hangup)] {
            if count > 0 {
                log::warn(format!(
                    "{signal}: stopping already, nothing changes; Ctrl-C ends the process at once"
                ));
            }
        }
    }

    /// The watchdog waits for this a moment before it ends the process.
    fn note_hang(&mut self) {
        let Some(heartbeat) = watchdog::hung_heartbeat() else { return };
        if !std::mem::replace(&mut self.hang_noted, true) {
            if let Some(ledger) = &self.ledger {
                ledger.crashed(format!("hang: {}", verdict::Stale(heartbeat)));
            }
            watchdog::hang_is_recorded();
        }
    }

    /// The second Ctrl-C: the user means now. Only the mark that this is no crash is worth a moment.
    fn abandon(&self) -> ! {
        raw::stderr_line!("WARN lifecycle: second Ctrl-C: the process ends now with exit code 130");
        shutdown::for_each_running(|hook| {
            raw::stderr_line!("WARN lifecycle: not finished: hook `{}` ({})", hook.name, hook.place);
        });
        self.ledger.iter().for_each(Ledger::flush_at_once);
        raw::exit(130)
    }
}
