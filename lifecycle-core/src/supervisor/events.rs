//! What the orchestrator does about signals, and about a hang, in every state.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::manager::LifecycleManager;
use super::on_hang;
use crate::config::options::Hangup;
use crate::config::resolve::Config;
use crate::hang;
use crate::model::cause::{Cause, Signal};
use crate::os::log::{self, Level};
use crate::os::signal::{self, Arrived};
use crate::os::text::Text;
use crate::os::{deadline, process, stderr};
use crate::restart::ledger::Ledger;
use crate::shutdown::Observer;
use crate::watchdog::message::Stale;
use crate::{sockets, systemd};

/// Takes signals and expired heartbeats, and makes the ledger's marks that go with them.
pub(super) struct EventHandler {
    manager: &'static LifecycleManager,
    pub(super) ledger: Option<Ledger>,
    on_hangup: Option<Hangup>,
    drain_delay: Duration,
    /// The signal that was acted on: the process will not run main again.
    stopped_by: Option<Signal>,
    hang_recorded: bool,
    /// The look at a hook that will be late.
    late_look: Option<hang::LateLook>,
}

/// A second Ctrl-C ends the process at once: a full stderr is not waited for any longer.
const LAST_LINES: Duration = Duration::from_millis(50);

/// As long as a disk may hold up the mark that this is no crash.
const LAST_MARK: Duration = Duration::from_millis(500);

impl EventHandler {
    pub(super) fn new(manager: &'static LifecycleManager, config: &Config) -> EventHandler {
        EventHandler {
            manager,
            ledger: None,
            on_hangup: config.on_hangup,
            drain_delay: config.drain_delay,
            stopped_by: None,
            hang_recorded: false,
            late_look: None,
        }
    }

    /// Whether a signal asked the process to end.
    pub(super) fn stopped_by(&self) -> Option<Signal> {
        self.stopped_by
    }

    /// Whatever kills the process from now on is no crash.
    pub(super) fn stop_was_asked_for(&self) {
        self.ledger.iter().for_each(Ledger::stopping);
    }

    /// Main is not run again: systemd is told, and what the service closes must be closed.
    pub(super) fn is_last_run(&self, why: &str) {
        sockets::release();
        systemd::stopping(why, deadline::left().unwrap_or_default());
    }

    /// Acts on whatever has arrived.
    pub(super) fn handle(&mut self) {
        let mut arrived = signal::take();
        if arrived.quit > 0 {
            stderr::write(format!("{}\n", self.manager.status()).as_bytes());
            hang::on_quit(arrived.quit);
        }
        if arrived.hangup && self.stopped_by.is_none() {
            arrived.hangup = self.hangup_is_a_stop();
        }
        match (self.stopped_by, arrived.stop()) {
            (None, Some(signal)) => self.on_first_signal(signal),
            (Some(first), Some(_)) => self.on_repeated_signal(first, arrived),
            _ => {}
        }
        self.record_hang();
    }

    /// Reloads, or ignores the signal, unless SIGHUP is to stop the service.
    fn hangup_is_a_stop(&self) -> bool {
        let under_systemd = || std::env::var_os("INVOCATION_ID").is_some();
        match self.on_hangup {
            Some(Hangup::Stop) => return true,
            Some(Hangup::Ignore) => log::info("SIGHUP: ignored, as `on_hangup` says"),
            None if !self.manager.can_reload() && !under_systemd() => return true,
            None if !self.manager.can_reload() => log::warn(
                "SIGHUP: ignored, since nothing reads its configuration again. Write `#[lifecycle::reload]` on what does, or \
                 on_hangup = \"stop\"",
            ),
            // Not in a back-off wait, nor before main begins: main reads everything anew anyway.
            Some(Hangup::Reload) | None if self.manager.current_run().runtime().is_some() => {
                log::info("SIGHUP: reloading");
                self.manager.reload();
            }
            Some(Hangup::Reload) | None => {}
        }
        false
    }

    fn on_first_signal(&mut self, signal: Signal) {
        self.stopped_by = Some(signal);
        signal::acted_on(signal);
        self.is_last_run(&signal.to_string());
        if self.manager.backing_off().is_some() {
            log::info(format!("{signal}: the back-off wait ends, main is not run again"));
        } else if self.manager.current_run().announce_end(Cause::Signal(signal)) {
            self.stop_was_asked_for();
            let delay = self.drain_delay;
            if delay.is_zero() {
                self.manager.current_run().stop();
                log::say_later(Level::Info, format!("{signal}: stopping"));
            } else {
                log::say_later(Level::Info, format!("{signal}: not ready any more, stopping in {delay:?}"));
            }
        } else {
            log::info(format!("{signal}: stopping already; main will not be run again"));
        }
    }

    fn on_repeated_signal(&self, first: Signal, arrived: Arrived) {
        if arrived.repeated_interrupt {
            self.force_exit();
        }
        for (again, signal) in [(arrived.terminate, Signal::Terminate), (arrived.hangup, Signal::Hangup)] {
            // A SIGTERM that comes with a Ctrl-C is the same request.
            if again && !(first == Signal::Interrupt && signal::is_together()) {
                log::warn(format!(
                    "{signal}: stopping already, nothing changes; Ctrl-C ends the process at once"
                ));
            }
        }
    }

    /// The watchdog waits for this a moment before it ends the process.
    fn record_hang(&mut self) {
        let Some(heartbeat) = on_hang::expired() else { return };
        if !std::mem::replace(&mut self.hang_recorded, true) {
            if let Some(ledger) = &self.ledger {
                ledger.crashed(format!("hang: {}", Stale(heartbeat)), None);
            }
            on_hang::is_recorded();
        }
    }

    /// The second Ctrl-C. Only the mark that this is no crash is worth a moment.
    fn force_exit(&self) -> ! {
        let mut text = Text::<4096>::new();
        let _ = writeln!(text, "WARN lifecycle: second Ctrl-C: the process ends now with exit code 130");
        self.manager.in_progress().for_each_running(|hook| {
            let _ = writeln!(text, "WARN lifecycle: not finished: hook `{}` ({})", hook.name, hook.place);
        });
        stderr::write_until(2, text.as_bytes(), Instant::now() + LAST_LINES);
        self.ledger.iter().for_each(|ledger| ledger.flush(LAST_MARK));
        process::exit(130)
    }
}

impl Observer for EventHandler {
    fn handle_events(&mut self) {
        self.handle();
    }

    fn timeout_is_near(&mut self) {
        self.late_look = Some(hang::look_at_late_hook());
    }

    fn step_is_over(&mut self, was_late: bool) {
        if let Some(look) = self.late_look.take() {
            look.settle(was_late);
        }
    }
}
