//! The whole life of a process under `#[lifecycle::main]`: [`Supervisor::run`], read from top to bottom.
//!
//! The ledger is asked and a wait that is due is waited; `init` runs, once; then main runs, for one cause is shut down,
//! and runs again if it has failed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::init::Init;
use super::runtime::{RUNTIME_SHUTDOWN_TIMEOUT, host};
use super::state::Supervisor;
use super::status::UP_AFTER;
use super::{answers, listen, on_hang, re_exec};
use crate::config::options::Readiness;
use crate::config::platform::{self, GRACE};
use crate::hang;
use crate::model::cause::Cause;
use crate::model::event::Event;
use crate::model::failure::Meaning;
use crate::model::report::{Report, RuntimeResult};
use crate::os::log::{self, Level};
use crate::os::{crash_marker, deadline, flight, signal, termination_log};
use crate::restart::ledger::{Ledger, crash_note_file};
use crate::shutdown::{Budget, Subject, shut_down};
use crate::tasks::run::Run;
use crate::{sockets, systemd, watchdog};

/// As long as finding the lines of threads that are left behind may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

impl Supervisor {
    /// Returns the exit code.
    pub(super) fn run(&mut self, mut init: Option<Init>) -> u8 {
        if let Some(restart) = self.config.restart.clone() {
            crash_marker::arm(&crash_note_file(&restart.file));
            self.manager.inner.past.is_kept_in(&restart);
            self.events.ledger = Some(Ledger::new(restart));
        }
        loop {
            self.back_off(init.is_none());
            if self.events.stopped_by().is_some() {
                return self.finish(0, None);
            }
            if self.runs == 0 {
                if let Err(error) = init.take().map_or(Ok(()), |init| self.initialise(init)) {
                    return self.init_failed(&error);
                }
                self.after_init();
                if self.events.stopped_by().is_some() {
                    return self.finish(0, None);
                }
            }
            let report = self.run_once();
            if !self.runs_again(&report) {
                if report.exit_code() != 0 {
                    let (cause, code) = (report.cause.summary(), report.exit_code());
                    termination_log::write(format_args!("{cause}\nexit code {code}\n{report}"));
                }
                let failure = report.first_failure().filter(|_| !report.cause.is_failure());
                return self.finish(report.exit_code(), failure);
            }
            re_exec::after_crash(self.events.ledger.as_ref());
        }
    }

    /// One run of main, from its runtime's start to its end.
    fn run_once(&mut self) -> Report {
        let run = if self.runs == 0 { self.manager.current_run() } else { self.manager.new_run() };
        self.runs += 1;
        self.manager.inner.past.run_begins();
        flight::begin(flight::State::Running);
        if let Some(ledger) = &mut self.events.ledger {
            ledger.running();
            if self.config.watchdog.is_some() {
                ledger.start_flight_recorder();
            }
        }
        crash_marker::run_begins();
        watchdog::begin_run(self.runs);
        match host(&run, &self.config, self.body.clone()) {
            Ok(()) => self.manager.spawn_declared_functions(),
            Err(error) => {
                run.end(Cause::MainFailed(format!("the tokio runtime cannot be started: {error}")));
            }
        }
        // Beside main, which need not wait for them.
        self.start_threads();
        self.wait_for_cause(&run);
        let report = self.shut_down(&run);
        self.manager.inner.past.run_ended(&run, &report, self.manager.previous());
        report
    }

    /// All reasons to stop arrive here.
    fn wait_for_cause(&mut self, run: &Run) {
        let mut is_announced = false;
        loop {
            self.events.handle();
            let cause = run.cause();
            let ledger = self.events.ledger.as_ref().filter(|_| cause.is_none());
            re_exec::permit_after_hang(on_hang::was_recorded(), ledger);
            if cause.is_some() {
                flight::stopping();
                watchdog::arm_deadline();
                self.wait_for_failing_tasks(run);
                self.wait_for_balancers(run);
                watchdog::end_run();
                self.record_cause(run);
            }
            // When the service is up, or stops before: only then is it known what was managed.
            let is_ready = run.is_ready();
            let left = UP_AFTER.saturating_sub(run.main_has_run_for());
            let is_up = is_ready || left.is_zero();
            if is_ready || is_up && self.config.ready == Readiness::Implied {
                crash_marker::service_is_up();
                answers::started();
                if cause.is_none() && !std::mem::replace(&mut is_announced, true) {
                    systemd::ready();
                }
            }
            if !self.plan_logged && (cause.is_some() || is_up) {
                self.plan_logged = true;
                self.log_plan();
            }
            if cause.is_some() {
                return;
            }
            let unclaimed = listen::close_unclaimed(run);
            self.manager.wakeup().wait(if self.plan_logged { unclaimed } else { Some(left) });
        }
    }

    /// One of them may be why main has ended.
    fn wait_for_failing_tasks(&mut self, run: &Run) {
        while let Some(wait) = run.is_unsettled_for() {
            self.manager.wakeup().wait(Some(wait));
            self.events.handle();
        }
    }

    /// Load balancers see that it is not ready any more, while it still works: until `drain_delay` is over, or main is.
    fn wait_for_balancers(&mut self, run: &Run) {
        let Some((_, begun)) = run.cause().filter(|_| !run.is_stopping()) else { return };
        while run.has_main() && !run.is_stopping() {
            let left = (begun + self.config.drain_delay).saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.manager.wakeup().wait(Some(left));
            self.events.handle();
        }
        run.stop();
    }

    fn log_plan(&self) {
        let plan = || (self.manager.plan(), platform::grant(self.config.shutdown_timeout));
        let text = || {
            let (plan, grant) = plan();
            format!("shutdown plan\n{plan}  {grant}")
        };
        log::table_later(Level::Info, text, || {
            let (plan, grant) = plan();
            plan.events().into_iter().chain([Event::new(Level::Info, grant)]).collect()
        });
        if signal::foreign_interrupt_handler() {
            log::warn(
                "the program has replaced the handler of SIGINT: Ctrl-C does not stop it. Remove the other handler \
                 (the `ctrlc` crate, tokio::signal::ctrl_c, …): lifecycle::stopping() says when to stop",
            );
        }
    }

    /// Before any hook runs: whatever becomes of the shutdown, the ledger knows what it was for.
    fn record_cause(&mut self, run: &Run) {
        let Some((cause, _)) = run.cause() else { return };
        if let Cause::MainFailed(error) = &cause {
            // As std's main prints it.
            log::raw_later(format!("Error: {error}\n"));
        }
        let Some(ledger) = self.events.ledger.as_ref().filter(|_| cause.is_failure()) else {
            self.events.is_last_run(&cause.summary());
            if !cause.is_failure() {
                self.events.stop_was_asked_for();
            }
            return;
        };
        systemd::restarting(&cause.summary(), deadline::left().unwrap_or_default());
        self.manager.set_previous(ledger.crashed_later(cause.summary(), run.meaning()));
    }

    fn shut_down(&mut self, run: &Arc<Run>) -> Report {
        let budget = Budget { whole: self.config.shutdown_timeout, drain: self.config.drain };
        let mut report = match run.runtime() {
            Some(runtime) => {
                let (registry, in_progress) = (self.manager.registry(), self.manager.in_progress());
                let subject = Subject { registry, run, runtime, in_progress };
                shut_down(&subject, budget, &mut self.events)
            }
            None => Report::empty(run.cause().map_or(Cause::MainReturned, |(cause, _)| cause)),
        };
        run.quit.cancel();
        report.runtime = self.wait_for_runtime(run);
        report.took = run.cause().map_or(report.took, |(_, begun)| begun.elapsed());
        if report.runtime != RuntimeResult::Stopped {
            report.left_behind = hang::threads_left_behind(self.time_to_look(run));
        }
        report.meaning = run.meaning();
        let level = if report.exit_code() == 0 { Level::Notice } else { Level::Error };
        let ends = !self.may_run_again(&report);
        log::table_later(level, || report.to_string(), || report.events(ends));
        report
    }

    /// Waits until the runtime is gone, and all its tasks with it. A thread that blocks is not waited for: the process
    /// ends anyway, and a next run of main begins beside it.
    fn wait_for_runtime(&mut self, run: &Run) -> RuntimeResult {
        let Some(runtime) = run.runtime() else { return RuntimeResult::Stopped };
        let begun = Instant::now();
        let timeout = begun + RUNTIME_SHUTDOWN_TIMEOUT + Duration::from_millis(200);
        let budget = run.cause().map(|(_, begun)| begun + self.config.shutdown_timeout + GRACE / 2);
        let until = budget.map_or(timeout, |budget| budget.min(timeout));
        while !run.is_gone() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return RuntimeResult::Abandoned;
            }
            self.manager.wakeup().wait(Some(left));
            self.events.handle();
        }
        match () {
            // A task that could not be dropped blocks its worker.
            () if runtime.metrics().num_alive_tasks() > 0 => RuntimeResult::Abandoned,
            () if run.has_threads_left() => RuntimeResult::ThreadsLeft,
            () => RuntimeResult::Stopped,
        }
    }

    /// For threads that are left behind: up to a moment before the process must be gone.
    fn time_to_look(&self, run: &Run) -> Duration {
        let begun = run.cause().map_or(run.started, |(_, begun)| begun);
        let end = begun + self.config.shutdown_timeout + GRACE * 3 / 4;
        end.saturating_duration_since(Instant::now()).min(LOOK_TIMEOUT)
    }

    /// Says whether main is to run again.
    fn runs_again(&mut self, report: &Report) -> bool {
        if !report.cause.is_failure() {
            return false;
        }
        if let Some(failure) = report.first_failure() {
            self.earlier_failure.get_or_insert(failure);
        }
        let Some(ledger) = &self.events.ledger else { return false };
        let meaning = report.meaning();
        meaning
            .filter(|meaning| Some(*meaning) > report.meaning)
            .into_iter()
            .for_each(|m| ledger.asks_for(m));
        // The crash was recorded before the hooks ran; a restart waits until the disk has it.
        ledger.settle();
        let again = self.may_run_again(report);
        if again {
            deadline::disarm();
        }
        again
    }

    /// Unless a signal arrives.
    fn may_run_again(&self, report: &Report) -> bool {
        report.cause.is_failure()
            && self.config.restart.is_some()
            && self.events.stopped_by().is_none()
            && report.meaning() != Some(Meaning::Permanent)
    }

    /// The last mark before the process ends. `failure` is what went wrong in the shutdown.
    fn finish(&mut self, code: u8, failure: Option<String>) -> u8 {
        let earlier = self.earlier_failure.take().filter(|_| code == 0);
        if let Some(failure) = &earlier {
            log::say(Level::Error, format!("in the shutdown of an earlier run {failure}: exit code 1"));
            termination_log::write(format_args!(
                "in the shutdown of an earlier run {failure}\nexit code 1\n"
            ));
        }
        let failure = failure.or(earlier.clone());
        let code = if earlier.is_some() { 1 } else { code };
        if let Some(ledger) = &self.events.ledger {
            match failure.filter(|_| code != 0) {
                _ if code == 0 => ledger.clean(),
                Some(failure) => ledger.incomplete(failure),
                None => ledger.settle(),
            }
        }
        crash_marker::disarm();
        sockets::end();
        code
    }
}
