//! The whole life of a process under `#[lifecycle::main]`: start, run, shut down, and again after a crash.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use crate::attend::Attendant;
use crate::cause::Cause;
use crate::config::{self, Config};
use crate::ledger::{Ledger, last_words_file};
use crate::lifecycle::LifecycleManager;
use crate::log::{self, Level};
use crate::report::Report;
use crate::runtime::{Body, FAREWELL, host, run_init};
use crate::session::Session;
use crate::shutdown::{Budget, shut_down};
use crate::status::UP_AFTER;
use crate::unwind::{self, Ended};
use crate::{exec, hang, last_words, platform, raw, watchdog};

/// After the budget of a shutdown the process has this long to be gone.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// The `init` function of `#[lifecycle::main]`.
pub(crate) type Init = Box<dyn FnOnce() -> Result<(), String> + Send>;

pub(crate) struct Service {
    manager: &'static LifecycleManager,
    config: Config,
    body: Body,
    attendant: Attendant,
    runs: u32,
    plan_told: bool,
}

impl Service {
    pub(crate) fn new(manager: &'static LifecycleManager, config: Config, body: Body) -> Service {
        Service { manager, config, body, attendant: Attendant::new(manager), runs: 0, plan_told: false }
    }

    /// Returns the exit code.
    pub(crate) fn live(&mut self, init: Option<Init>) -> u8 {
        if let Some(restart) = self.config.restart.clone() {
            last_words::arm(&last_words_file(&restart.file));
            self.attendant.ledger = Some(Ledger::new(restart));
        }
        let initialised = init.map_or(Ok(()), |init| self.initialise(init));
        if let Err(error) = initialised {
            return self.init_failed(&error);
        }
        // Not before init, which is where a service sets its own panic hook.
        unwind::note_panics();
        let platform = platform::warnings(self.config.shutdown_timeout, &|name| std::env::var_os(name));
        let unknown = config::unknown_variables(std::env::vars_os().map(|(name, _)| name));
        platform.into_iter().chain(unknown).chain(hang::settings::warning()).for_each(log::warn);
        loop {
            if self.back_off() {
                return self.leave(0);
            }
            let report = self.run_once();
            if !self.runs_again(&report) {
                return self.leave(report.exit_code());
            }
            exec::after_crash(self.attendant.ledger.as_ref());
        }
    }

    /// `Ok` too if a signal came first: then nothing is started anyway.
    fn initialise(&mut self, init: Init) -> Result<(), String> {
        let ended: Arc<Mutex<Option<Ended>>> = Arc::default();
        let result = ended.clone();
        watchdog::begin_init();
        run_init(init, move |ended| {
            *result.lock().expect("nobody panics with it") = Some(ended);
            LifecycleManager::global().bell().ring();
        })
        .map_err(|error| error.to_string())?;
        let ended = loop {
            let now = ended.lock().expect("nobody panics with it").take();
            self.attendant.attend();
            if now.is_some() || self.attendant.stopped_by().is_some() {
                break now;
            }
            self.manager.bell().wait(None);
        };
        watchdog::end_run();
        match ended {
            Some(Ended::Failed(error)) => Err(error),
            Some(Ended::Panicked(message)) => Err(format!("panicked: {message}")),
            Some(Ended::Well) | None => Ok(()),
        }
    }

    /// It runs once in a process, so the process ends; the crash counts for the next one.
    fn init_failed(&mut self, error: &str) -> u8 {
        log::say(Level::Error, format!("init failed: {error}: exit code 1"));
        if let Some(ledger) = &mut self.attendant.ledger {
            ledger.running();
            ledger.crashed(format!("init failed: {error}"));
        }
        last_words::disarm();
        1
    }

    /// Waits as long as the restart rule says. Returns whether a signal ended the wait.
    fn back_off(&mut self) -> bool {
        let wait = self.admit();
        let begun = Instant::now();
        self.manager.set_backing_off((!wait.is_zero()).then(|| begun + wait));
        loop {
            self.attendant.attend();
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() || self.attendant.stopped_by().is_some() {
                break;
            }
            self.manager.bell().wait(Some(left));
        }
        self.manager.set_backing_off(None);
        let stopped = self.attendant.stopped_by().is_some();
        // A wait that a signal broke off leaves the history as it was.
        if let Some(ledger) = self.attendant.ledger.as_ref().filter(|_| !wait.is_zero() && !stopped) {
            ledger.waited(wait);
        }
        stopped
    }

    /// Asks the ledger, and says how the previous run ended and what follows from it.
    fn admit(&self) -> Duration {
        let ledger = self.attendant.ledger.as_ref().zip(self.config.restart.as_ref());
        let Some((ledger, restart)) = ledger else { return Duration::ZERO };
        let (admission, previous) = ledger.admit();
        let rule = restart.policy.verdict(admission.crashes, admission.wait, SystemTime::now());
        match previous.filter(|_| self.runs == 0) {
            Some(previous) => {
                let text =
                    if previous.is_crash() { format!("{previous}: {rule}") } else { previous.to_string() };
                log::say(if previous.is_crash() { Level::Warn } else { Level::Info }, text);
                self.manager.set_previous(previous);
            }
            None if self.runs > 0 => log::warn(rule),
            None => {}
        }
        admission.wait
    }

    /// One run of main, from its runtime's start to its end.
    fn run_once(&mut self) -> Report {
        let session = if self.runs == 0 { self.manager.session() } else { self.manager.new_session() };
        self.runs += 1;
        if let Some(ledger) = &mut self.attendant.ledger {
            ledger.running();
        }
        last_words::run_begins();
        watchdog::begin_run(self.runs);
        if let Err(error) = host(session.clone(), &self.config, self.body.clone()) {
            session.end(Cause::MainFailed(format!("the tokio runtime cannot be started: {error}")));
        }
        self.wait_for_cause(&session);
        self.shut_down(&session)
    }

    /// All reasons to stop arrive here.
    fn wait_for_cause(&mut self, session: &Session) {
        loop {
            self.attendant.attend();
            let cause = session.cause();
            exec::permit_after_hang(self.attendant.ledger.as_ref().filter(|_| cause.is_none()));
            if cause.is_some() {
                watchdog::arm_deadline();
                watchdog::end_run();
            }
            // When the service is up, or stops before: only then is it known what was managed.
            if !self.plan_told
                && (cause.is_some() || session.is_ready() || session.started.elapsed() >= UP_AFTER)
            {
                self.plan_told = true;
                log::info(format!("shutdown plan\n{}", self.manager.plan()));
            }
            if let Some((cause, _)) = cause {
                return self.tell(&cause);
            }
            self.manager.bell().wait((!self.plan_told).then_some(UP_AFTER));
        }
    }

    /// A requested stop is marked as such in the ledger; a failure is printed once, as std's main prints it.
    fn tell(&mut self, cause: &Cause) {
        match cause {
            Cause::MainFailed(error) => raw::stderr(format!("Error: {error}\n").as_bytes()),
            Cause::Requested(_) | Cause::MainReturned => {
                self.attendant.stop_was_asked_for();
            }
            _ => {}
        }
    }

    fn shut_down(&mut self, session: &Arc<Session>) -> Report {
        let budget = Budget { whole: self.config.shutdown_timeout, drain: self.config.drain };
        let attendant = &mut self.attendant;
        let report = match session.runtime() {
            Some(runtime) => shut_down(self.manager, session, runtime, budget, &mut || attendant.attend()),
            None => Report::empty(session.cause().map_or(Cause::MainReturned, |(cause, _)| cause)),
        };
        // The runtime goes while the report is written.
        session.quit.cancel();
        let level = if report.exit_code() == 0 { Level::Notice } else { Level::Error };
        log::say(level, report.to_string());
        self.dismiss(session);
        report
    }

    /// Waits until the runtime is gone, and all its tasks with it. A thread that blocks is not waited for: the process
    /// ends anyway, and a next run of main begins beside it.
    fn dismiss(&mut self, session: &Session) {
        let farewell = Instant::now() + FAREWELL + Duration::from_millis(200);
        let budget = session.cause().map(|(_, begun)| begun + self.config.shutdown_timeout + GRACE / 2);
        let until = budget.map_or(farewell, |budget| budget.min(farewell));
        while session.runtime().is_some() && !session.is_gone() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return log::warn("main, or a worker of the runtime, blocks its thread: it is left behind");
            }
            self.manager.bell().wait(Some(left));
            self.attendant.attend();
        }
    }

    /// Records a crash; says whether main is to run again.
    fn runs_again(&mut self, report: &Report) -> bool {
        if !report.cause.is_failure() {
            return false;
        }
        let Some(ledger) = &self.attendant.ledger else { return false };
        self.manager.set_previous(ledger.crashed(report.cause.summary()));
        let again = self.attendant.stopped_by().is_none();
        if again {
            watchdog::deadline::disarm();
        }
        again
    }

    /// The last mark before the process ends.
    fn leave(&mut self, code: u8) -> u8 {
        let mark = if code == 0 { Ledger::clean } else { Ledger::flush };
        self.attendant.ledger.iter().for_each(mark);
        last_words::disarm();
        code
    }
}
