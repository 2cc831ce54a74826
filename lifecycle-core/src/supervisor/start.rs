//! What comes before the first run of main, and between two of them: the wait that is due, and `init`.

use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant, SystemTime};

use super::init::Init;
use super::manager::LifecycleManager;
use super::on_hang;
use super::runtime::run_init;
use super::state::Supervisor;
use crate::config::variables::unknown_variables;
use crate::hang;
use crate::model::cause::Cause;
use crate::model::failure::Meaning;
use crate::model::outcome::Failed;
use crate::model::report::EXIT_PERMANENT;
use crate::os::lock::lock;
use crate::os::log::{self, Level};
use crate::os::{crash_marker, flight, signal, termination_log};
use crate::tasks::address::current_number;
use crate::tasks::catch_panic::{self, Ended};
use crate::watchdog;
use crate::watchdog::heartbeat::set_current_task;
use crate::{sockets, systemd};

/// A shell ignores it for what it starts in the background of a script.
const INTERRUPT_IGNORED: &str = "SIGINT was ignored when the process was started (by `&` in a script, or `trap '' INT`), and stays \
     so: Ctrl-C does not stop the service, SIGTERM does";

impl Supervisor {
    /// The watchdog's thread and the others that act when something goes wrong.
    pub(super) fn start_threads(&mut self) {
        if !std::mem::replace(&mut self.threads_started, true) {
            log::start(on_hang::unlogged);
            hang::start();
            on_hang::start(self.config.watchdog);
        }
    }

    /// Waits as long as the restart rule says, or until a signal arrives.
    /// `begins`: main runs right after it.
    pub(super) fn back_off(&mut self, begins: bool) {
        let wait = self.admit(begins);
        if !wait.is_zero() {
            self.start_threads();
            sockets::close();
            systemd::backing_off(wait);
        }
        let begun = Instant::now();
        self.manager.set_backing_off((!wait.is_zero()).then(|| begun + wait));
        loop {
            self.events.handle();
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() || self.events.stopped_by().is_some() {
                break;
            }
            self.manager.wakeup().wait(Some(left));
        }
        self.manager.set_backing_off(None);
        let stopped = self.events.stopped_by().is_some();
        // A wait that a signal broke off leaves the history as it was.
        if let Some(ledger) = self.events.ledger.as_ref().filter(|_| !wait.is_zero() && !stopped) {
            ledger.waited(wait);
        }
    }

    /// Asks the ledger, and says how the previous run ended and what follows from it.
    fn admit(&mut self, begins: bool) -> Duration {
        let ledger = self.events.ledger.as_mut().zip(self.config.restart.as_ref());
        let Some((ledger, restart)) = ledger else { return Duration::ZERO };
        let (admission, previous) = ledger.admit(begins);
        let wait = admission.wait;
        let rule = admission.explain(&restart.policy, SystemTime::now(), &restart.file);
        let Some(previous) = previous.filter(|_| self.runs == 0) else {
            if self.runs > 0 || !wait.is_zero() {
                log::warn(rule);
            }
            return wait;
        };
        let (level, text) = match (previous.is_crash(), wait.is_zero()) {
            (true, _) => (Level::Warn, format!("{previous}: {rule}")),
            (false, true) => (Level::Info, previous.to_string()),
            (false, false) => (Level::Warn, format!("{previous}; before it: {rule}")),
        };
        self.manager.inner.past.found(&previous);
        self.manager.set_previous(previous);
        if wait.is_zero() {
            self.announcement = Some((level, text));
        } else {
            log::say(level, text);
        }
        wait
    }

    /// `Ok` too if a signal came first: then nothing is started anyway.
    pub(super) fn initialise(&mut self, init: Init) -> Result<(), Failed> {
        self.start_threads();
        let ended: Arc<Mutex<Option<Ended>>> = Arc::default();
        let result = ended.clone();
        flight::begin(flight::State::Starting);
        watchdog::begin_init();
        run_init(init, move |ended| {
            *lock(&result) = Some(ended);
            LifecycleManager::global().wakeup().notify();
        })
        .map_err(|error| Failed { text: error.to_string(), meaning: None })?;
        let ended = loop {
            let now = lock(&ended).take();
            self.events.handle();
            if now.is_some() || self.events.stopped_by().is_some() {
                break now;
            }
            self.manager.wakeup().wait(None);
        };
        watchdog::end_run();
        match ended {
            Some(Ended::Failed(failed)) => Err(failed),
            Some(Ended::Panicked(Failed { text, meaning })) => {
                Err(Failed { text: format!("panicked: {text}"), meaning })
            }
            Some(Ended::Well) | None => Ok(()),
        }
    }

    /// It runs once in a process, so the process ends; the crash counts for the next one.
    pub(super) fn init_failed(&mut self, failed: &Failed) -> u8 {
        let Failed { text: error, meaning } = failed;
        let code = if *meaning == Some(Meaning::Permanent) { EXIT_PERMANENT } else { 1 };
        self.announcement.take().into_iter().for_each(|(level, text)| log::say(level, text));
        log::say(Level::Error, format!("init failed: {error}: exit code {code}"));
        termination_log::write(format_args!("init failed: {error}\nexit code {code}\n"));
        if let Some(ledger) = &mut self.events.ledger {
            ledger.running();
            ledger.crashed(Cause::MainFailed(format!("init failed: {error}")).summary(), *meaning);
        }
        crash_marker::disarm();
        code
    }

    /// What is said once there is a log to say it in.
    pub(super) fn after_init(&mut self) {
        self.announcement.take().into_iter().for_each(|(level, text)| log::say(level, text));
        catch_panic::on_untracked_panic(if self.config.end_on_panic { end_run } else { warn });
        set_current_task(current_number);
        // Not before init, which is where a service sets its own panic hook.
        catch_panic::note_panics();
        if signal::interrupt_is_ignored() {
            log::say(Level::Notice, INTERRUPT_IGNORED);
        }
        let platform = self.config.platform_warning.take();
        let unknown = unknown_variables(std::env::vars_os().map(|(name, _)| name));
        platform.into_iter().chain(unknown).chain(hang::settings::warning()).for_each(log::warn);
    }
}

/// `panic = "end"`.
fn end_run(message: &str) {
    let manager = LifecycleManager::global();
    if !manager.is_left_behind() {
        let task = panicking_task();
        manager.current_run().end(Cause::TaskPanicked { task, message: message.to_owned() });
    }
}

/// Otherwise: once, since it may panic a thousand times.
fn warn(message: &str) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        let task = panicking_task();
        log::warn(format!(
            "`{task}` panicked: {message}. The run goes on without it: spawn it with lifecycle::spawn, or write \
             #[lifecycle::main(panic = \"end\")], if it should not. Further ones are not warned about"
        ));
    });
}

/// As far as it has a name.
fn panicking_task() -> String {
    match (tokio::task::try_id(), std::thread::current().name()) {
        (Some(id), _) => format!("tokio task {id}"),
        (None, Some(name)) => format!("thread {name}"),
        (None, None) => "a thread without a name".to_owned(),
    }
}
